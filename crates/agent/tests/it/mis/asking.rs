//! A school whose agent asks a database.

use super::database::Database;
use crate::rig::{School, read};
use commonroll_agent::{
    fetch::{self, FetchFault, Outcome, Round},
    scan::Verdict,
};
use commonroll_connectors::templates;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// Template after template, as sources of one connection.
pub async fn school(slug: &str, database: &Database, names: &[&str]) -> School {
    let maps: Vec<(String, &str)> =
        names.iter().map(|name| (format!("{name}.toml"), templates::by_name(name).unwrap().text)).collect();
    let files: Vec<(&str, &str)> = maps.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    with(slug, database, &files, "").await
}

/// One source for each mapping file, and more settings.
pub async fn with(slug: &str, database: &Database, mappings: &[(&str, &str)], more: &str) -> School {
    let mut text = database.connection("mis", "read");
    for (file, _) in mappings {
        let name = file.trim_end_matches(".toml");
        text.push_str(&format!(
            "[[source]]\nname = \"{name}\"\nfrom = \"mis\"\nmapping = \"{file}\"\n{more}"
        ));
    }
    let files: Vec<(&str, &str)> = mappings.iter().copied().chain([("right", "right")]).collect();
    School::of(slug, &text, &files).await
}

impl School {
    /// Asks every database once.
    pub async fn ask(&mut self) -> BTreeMap<String, Round> {
        let clock: std::sync::Arc<dyn commonroll_agent::Clock> =
            std::sync::Arc::new(crate::mis::Stopped(self.now));
        let dice: std::sync::Arc<dyn commonroll_agent::Randomness> = std::sync::Arc::new(crate::rig::Dice);
        let fetchers = fetch::fetchers(&self.settings, &clock, &dice).unwrap();
        let mut rounds = BTreeMap::new();
        for source in self.settings.sources.iter().filter(|source| source.asked.is_some()) {
            let fetcher = &*fetchers[&source.name];
            rounds.insert(
                source.name.clone(),
                fetch::round(source, fetcher, &self.spool, self.today()).await.unwrap(),
            );
        }
        rounds
    }

    /// Asks the one database that there is, and must not fail.
    pub async fn ask_well(&mut self) -> BTreeMap<String, Outcome> {
        let well = |(name, round)| match round {
            Round::Done(outcome) => (name, outcome),
            Round::Failed(fault) => panic!("{name}: {fault}"),
        };
        self.ask().await.into_iter().map(well).collect()
    }

    /// Asks, and must fail.
    pub async fn ask_badly(&mut self) -> FetchFault {
        match self.ask().await.into_values().next().unwrap() {
            Round::Failed(fault) => fault,
            Round::Done(outcome) => panic!("{outcome:?}"),
        }
    }

    /// Asks and takes what came.
    pub async fn ask_and_look(&mut self) -> BTreeMap<String, Verdict> {
        self.ask_well().await;
        let mut seen = BTreeMap::new();
        for source in self.settings.sources.clone() {
            let mut one = self.settings.clone();
            one.sources = vec![source.clone()];
            let looked = self.scanner.look(&one, &self.spool, &self.reading, self.now).await.unwrap();
            seen.extend(looked.verdicts.into_iter().map(|(_, verdict)| (source.name.clone(), verdict)));
        }
        seen
    }

    /// What was fetched for a source, if anything was.
    pub fn fetched(&self, source: &str) -> PathBuf {
        self.settings.data.join("fetched").join(source)
    }

    /// The rows of a source, sorted, without captions.
    pub fn rows(&self, source: &str) -> Vec<String> {
        let mut rows: Vec<String> =
            read(&self.fetched(source).join("rows.csv")).lines().skip(1).map(str::to_owned).collect();
        rows.sort();
        rows
    }
}

/// Waits until something holds, at most two seconds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} never came");
}
