//! `deny.toml` held against cargo's metadata, since cargo-deny itself can't be had prebuilt everywhere.

use super::{
    licence::kept_with,
    metadata::{Package, packages},
};
use crate::outside::text;
use std::collections::BTreeSet;

const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

fn deny() -> toml::Table {
    text("deny.toml").parse().unwrap()
}

fn list(value: &toml::Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn strangers() -> impl Iterator<Item = &'static Package> {
    packages().iter().filter(|package| package.source.is_some())
}

#[test]
fn no_banned_crate_is_in_the_tree_and_each_ban_has_a_reason() {
    let banned = deny()["bans"]["deny"].as_array().unwrap().clone();
    assert!(banned.len() >= 5, "{banned:?}");
    for ban in banned {
        let name = ban["crate"].as_str().unwrap();
        let reason = ban.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
        assert!(reason.len() > 15, "say why {name} is banned");
        // Only through a crate that is named is it let in, as cargo-deny has it.
        let wrappers = ban.get("wrappers").map(list).unwrap_or_default();
        let straight =
            |package: &&Package| package.normal.contains(name) && !wrappers.contains(&package.name);
        let by: Vec<&str> = packages().iter().filter(straight).map(|package| package.name.as_str()).collect();
        let there = packages().iter().any(|package| package.name == name);
        assert!(
            !there || (by.is_empty() && !wrappers.is_empty()),
            "{name} is in the tree, and banned: {reason}; by {by:?}"
        );
    }
}

#[test]
fn every_licence_is_allowed_and_every_allowance_is_needed() {
    let allowed = list(&deny()["licenses"]["allow"]);
    let mut needed = BTreeSet::new();
    for package in packages() {
        let kept = kept_with(&package.licence, &allowed);
        let kept = kept
            .unwrap_or_else(|| panic!("{} {} is under `{}`", package.name, package.version, package.licence));
        needed.extend(kept);
    }
    let idle: Vec<_> = allowed.iter().filter(|licence| !needed.contains(*licence)).collect();
    assert!(idle.is_empty(), "nothing needs these allowances: {idle:?}");
}

#[test]
fn everything_comes_from_crates_io() {
    let sources = &deny()["sources"];
    assert_eq!(sources["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(sources["unknown-git"].as_str(), Some("deny"));
    assert_eq!(list(&sources["allow-registry"]), [CRATES_IO]);
    let expected = format!("registry+{CRATES_IO}");
    for package in strangers() {
        assert_eq!(package.source.as_deref(), Some(expected.as_str()), "{}", package.name);
    }
}

#[test]
fn one_cryptography_provider_is_in_the_tree() {
    let providers = ["aws-lc-rs", "ring", "openssl", "boring", "rustls-graviola", "rustls-rustcrypto"];
    let found: BTreeSet<&str> =
        strangers().map(|package| package.name.as_str()).filter(|name| providers.contains(name)).collect();
    assert_eq!(found, BTreeSet::from(["aws-lc-rs"]));
}
