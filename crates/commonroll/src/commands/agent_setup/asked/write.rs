//! Writing what was settled: mapping files, the connection and its sources. All of it or nothing.

use super::{
    super::{Args, ask::Asker, files, screen::Screen},
    Ready,
    connection::{Plan, base},
};
use crate::{
    commands::told,
    real::{Real, now},
};
use commonroll_agent::{Identity, Settings, check, durable, fetch};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Writes everything. `None` if mappings that are there may not be overwritten. The names of the sources.
pub fn write(
    args: &Args,
    plan: &Plan,
    screen: &Screen,
    asker: &mut Asker,
    ready: &[Ready],
) -> Result<Option<Vec<String>>, String> {
    let at = |one: &Ready| base(args).join(format!("{}.toml", one.name));
    if ready.iter().any(|one| at(one) == args.settings) {
        return Err("a mapping can't have the settings' name; choose another with --name".to_owned());
    }
    let others = ready.iter().filter(|one| files::would_lose(&at(one), &one.mapping));
    let there: Vec<String> = others.map(|one| at(one).display().to_string()).collect();
    if !there.is_empty() && !args.replace {
        screen.say(&format!("\n  There already, and saying something else: {}", there.join(", ")));
        if !asker.confirm("Overwrite them?", false) {
            screen.say("Not written: --replace overwrites them, --records leaves out those that are to stay");
            return Ok(None);
        }
    }
    let (held, text) = settings(args, plan, ready)?;
    // Settings are read with the mapping files that they name, so that these come first, and go again if it fails.
    let mut undo = Undo::default();
    for one in ready {
        undo.note(&at(one))?;
        save(&at(one), &one.mapping)?;
    }
    Settings::parse(&text, &args.settings).map_err(told)?;
    if held.as_deref() != Some(&*text) {
        save(&args.settings, &text)?;
    }
    undo.done();
    let names: Vec<String> = ready.iter().map(|one| one.name.clone()).collect();
    screen.heading("Written");
    for one in ready {
        screen.say(&format!("  {}   the mapping of {}", at(one).display(), one.name));
    }
    screen.say(&format!(
        "  {}   connection \"{}\", source(s) {}",
        args.settings.display(),
        plan.connection.name,
        names.join(", ")
    ));
    Ok(Some(names))
}

/// The settings as they are, and as they will be.
fn settings(args: &Args, plan: &Plan, ready: &[Ready]) -> Result<(Option<String>, String), String> {
    let held = match fs::read_to_string(&args.settings) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{}: {error}", args.settings.display())),
    };
    let sources = match &held {
        Some(text) => Settings::parse(text, &args.settings).map_err(told)?.sources,
        None => Vec::new(),
    };
    let mut text = held.clone().unwrap_or_else(files::new_settings);
    if !plan.is_held {
        text += &plan.to_toml();
    }
    for one in ready {
        let known = sources.iter().find(|source| source.name == one.name);
        if let Some(known) = known {
            let from = known.asked.as_ref().map(|asked| asked.connection.name.as_str());
            if from != Some(&plan.connection.name) {
                return Err(format!(
                    "the settings have another source called `{}`; rename that one first",
                    one.name
                ));
            }
            continue;
        }
        text += &format!("\n[[source]]\nname = \"{}\"\nfrom = \"{}\"\n", one.name, plan.connection.name);
        if let Some(records) = &one.records {
            text += &format!("records = {}\n", toml::Value::String(records.clone()));
        }
        text += &format!("mapping = \"{}.toml\"\n", one.name);
    }
    Ok((held, text))
}

fn save(path: &Path, text: &str) -> Result<(), String> {
    durable::replace(path, text.as_bytes(), durable::Readers::Owner)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// What was there before, put back unless everything was done.
#[derive(Default)]
struct Undo(Vec<(PathBuf, Option<String>)>);

impl Undo {
    fn note(&mut self, path: &Path) -> Result<(), String> {
        let held = match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        self.0.push((path.to_owned(), held));
        Ok(())
    }

    fn done(mut self) {
        self.0.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for (path, held) in self.0.drain(..) {
            let _ = match held {
                Some(text) => save(&path, &text),
                None => fs::remove_file(&path).map_err(told),
            };
        }
    }
}

/// Asks each source once, as the agent would, and tells what would be sent.
pub async fn check(args: &Args, screen: &Screen, names: &[String]) -> Result<(), String> {
    let settings = Settings::load(&args.settings).map_err(told)?;
    let identity = Identity::load(&settings.identity_folder()).ok();
    let fetchers =
        fetch::fetchers(&settings, &(Arc::new(Real) as _), &(Arc::new(Real) as _)).map_err(told)?;
    for source in settings.sources.iter().filter(|source| names.contains(&source.name)) {
        let Some(fetcher) = fetchers.get(&source.name) else { continue };
        let all = tokio::select! {
            all = check::check_fetched(&settings, identity.as_ref(), source, &**fetcher, now()) => all.map_err(told)?,
            // What was fetched goes with the check.
            () = crate::commands::told_to_stop() => return Err("stopped; nothing of what was fetched is left".to_owned()),
        };
        all.iter().for_each(|checked| screen.checked(checked));
    }
    Ok(())
}
