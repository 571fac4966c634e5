//! What cargo says about the workspace: packages, and who really depends on whom.
//!
//! Cargo lists optional dependencies that no feature switches on as if they were there (`ring` behind `rustls-webpki`);
//! they are left out here, as they are left out of a build.

use crate::outside::{printed, top};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::OnceLock,
};

/// One package of the graph.
pub struct Package {
    pub name: String,
    pub version: String,
    pub licence: String,
    /// `None` for our own.
    pub source: Option<String>,
    /// Names of its normal dependencies, as packages are called.
    pub normal: BTreeSet<String>,
    used: bool,
}

/// Every package that a build with all features, tests and targets takes in.
pub fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["metadata", "--format-version", "1", "--locked", "--all-features"]).current_dir(top());
        let metadata: Value = serde_json::from_str(&printed(&mut cargo)).unwrap();
        let used: Vec<Package> = read(&metadata).into_iter().filter(|package| package.used).collect();
        assert!(used.len() > 100, "only {} packages", used.len());
        used
    })
}

/// The packages of the workspace by their folder: `core`, `commonroll`, `tests`.
pub fn ours() -> BTreeMap<&'static str, &'static Package> {
    let own = packages().iter().filter(|package| package.source.is_none());
    own.map(|package| (short(&package.name), package)).collect()
}

/// `core` for `commonroll-core`; other names as they are.
pub fn short(name: &str) -> &str {
    name.strip_prefix("commonroll-").unwrap_or(name)
}

fn texts<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    value[key].as_array().unwrap().iter().map(|item| item.as_str().unwrap())
}

fn read(metadata: &Value) -> Vec<Package> {
    let manifests: BTreeMap<&str, &Value> =
        metadata["packages"].as_array().unwrap().iter().map(|p| (p["id"].as_str().unwrap(), p)).collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| (n["id"].as_str().unwrap(), n))
        .collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&str> = texts(metadata, "workspace_members").collect();
    while let Some(id) = waiting.pop() {
        if used.insert(id) {
            let live = nodes[id]["deps"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dep| is_on(manifests[id], nodes[id], dep));
            waiting.extend(live.map(|dep| dep["pkg"].as_str().unwrap()));
        }
    }
    manifests.iter().map(|(id, manifest)| package(manifest, used.contains(id))).collect()
}

fn package(manifest: &Value, used: bool) -> Package {
    let normal = manifest["dependencies"].as_array().unwrap().iter().filter(|dep| dep["kind"].is_null());
    Package {
        name: manifest["name"].as_str().unwrap().to_owned(),
        version: manifest["version"].as_str().unwrap().to_owned(),
        licence: manifest["license"].as_str().unwrap_or_default().to_owned(),
        source: manifest["source"].as_str().map(str::to_owned),
        normal: normal.map(|dep| dep["name"].as_str().unwrap().to_owned()).collect(),
        used,
    }
}

/// True unless the dependency is optional wherever it is declared and no active feature of the package asks for it.
fn is_on(manifest: &Value, node: &Value, dep: &Value) -> bool {
    let crate_name = dep["name"].as_str().unwrap();
    let called = |declared: &Value| {
        let name = declared["rename"].as_str().or(declared["name"].as_str()).unwrap();
        name.replace('-', "_")
    };
    let declared: Vec<&Value> =
        manifest["dependencies"].as_array().unwrap().iter().filter(|d| called(d) == crate_name).collect();
    if declared.is_empty() || declared.iter().any(|d| d["optional"] == false) {
        return true;
    }
    let asks = |ask: &str| {
        let name = ask.strip_prefix("dep:").unwrap_or(ask);
        // `name?/feature` adds to a dependency that is there for another reason, and brings in nothing.
        !name.contains('?') && name.split('/').next().unwrap().replace('-', "_") == crate_name
    };
    texts(node, "features").any(|feature| asks(feature) || texts(&manifest["features"], feature).any(asks))
}
