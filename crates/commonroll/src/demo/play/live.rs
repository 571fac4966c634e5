//! What the live part does with the stage: files appear, lines fail and are mended, agents read changed mappings.

use super::Play;
use crate::demo::{
    screen::Screen,
    setup::FileToWrite,
    stage::{self, folder},
};
use std::time::Instant;

impl Play {
    /// An export appears.
    pub async fn put(&mut self, slug: &str, file: &FileToWrite) -> Result<(), String> {
        let place = self.place(slug)?;
        let written_us = crate::real::now().micros();
        stage::write(&self.root, slug, file)?;
        self.note_written(place, &file.path, written_us);
        self.partners[place].exports += 1;
        Ok(())
    }

    /// An export is cleared away by its system; what it said stands.
    pub fn clear_away(&self, slug: &str, path: &str) -> Result<(), String> {
        let path = folder(&self.root, slug).join("exports").join(path);
        std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A partner's mapping of registers changes, and its agent is started anew to read it.
    pub async fn map_registers(&mut self, slug: &str, text: &str) -> Result<(), String> {
        let place = self.place(slug)?;
        let path = folder(&self.root, slug).join("mappings/registers.toml");
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        if !self.partners[place].away {
            self.stage.stop(place).await;
            let agent = self.stage.spawn_agent(slug)?;
            self.stage.take_in(place, agent);
        }
        Ok(())
    }

    /// A partner is cut off, or is back; true if that is new.
    pub async fn line(&mut self, slug: &str, down: bool) -> Result<bool, String> {
        let place = self.place(slug)?;
        if self.partners[place].away == down {
            return Ok(false);
        }
        if down {
            self.stage.cut_off(place).await;
        } else {
            let agent = self.stage.spawn_agent(slug)?;
            self.stage.take_in(place, agent);
        }
        self.partners[place].away = down;
        Ok(true)
    }

    /// Waits until what was written has arrived.
    pub async fn arrived(&mut self, screen: &Screen) -> Result<(), String> {
        self.settle(screen).await
    }

    /// Watches until a moment.
    pub async fn watch(&mut self, due: Instant, screen: &Screen) -> Result<(), String> {
        self.until(due, screen).await
    }

    /// A partner's name.
    pub fn name(&self, slug: &str) -> &str {
        let partner = self.setup.partners.iter().find(|partner| partner.slug == slug);
        partner.map_or("", |partner| &partner.name)
    }
}
