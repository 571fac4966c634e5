//! Files that every page uses, each under an address that holds the hash of its content: a browser keeps them for a year,
//! and a new version has a new address.

use super::refusal::Refusal;
use aws_lc_rs::digest;
use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use std::{fmt::Write, sync::LazyLock};

/// A year, and never asked for again meanwhile.
const KEEP: &str = "public, max-age=31536000, immutable";

/// One file.
pub(super) struct Asset {
    /// Its address.
    pub address: String,
    kind: &'static str,
    bytes: &'static [u8],
}

/// Every file.
pub(super) struct Assets {
    /// Colours, sizes and spaces.
    pub tokens: Asset,
    /// Layout and components.
    pub console: Asset,
    /// Every symbol.
    pub icons: Asset,
    /// Live updates.
    pub script: Asset,
    /// The mark in a browser's tab.
    pub mark: Asset,
}

/// The files, with their addresses.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    tokens: asset("tokens.css", "text/css; charset=utf-8", include_bytes!("../../assets/tokens.css")),
    console: asset("console.css", "text/css; charset=utf-8", include_bytes!("../../assets/console.css")),
    icons: asset("icons.svg", "image/svg+xml", include_bytes!("../../assets/icons.svg")),
    script: asset("console.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/console.js")),
    mark: asset("mark.svg", "image/svg+xml", include_bytes!("../../assets/mark.svg")),
});

fn asset(name: &str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    let hash = digest::digest(&digest::SHA256, bytes);
    let mut address = String::from("/assets/");
    for byte in hash.as_ref().iter().take(8) {
        let _ = write!(address, "{byte:02x}"); // a String takes whatever is written
    }
    address.push('-');
    address.push_str(name);
    Asset { address, kind, bytes }
}

/// One of the files.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let all = [&ASSETS.tokens, &ASSETS.console, &ASSETS.icons, &ASSETS.script, &ASSETS.mark];
    let found = all.into_iter().find(|asset| asset.address.strip_prefix("/assets/") == Some(&name));
    match found {
        Some(asset) => {
            ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, KEEP)], asset.bytes).into_response()
        }
        None => Refusal::Missing.into_response(),
    }
}
