//! The five rules of the house (docs/ARCHITECTURE.md), held against Cargo.toml files and sources, so that they cannot
//! drift.
mod crates;
mod error_pages;
mod registered;
mod sources;

use std::path::{Path, PathBuf};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace")
        .to_owned()
}

/// The directories below `dir`, which is relative to the root, in order.
fn directories(dir: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(dir)).unwrap_or_else(|e| panic!("{dir}: {e}"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = paths
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    found.sort();
    found
}

/// The last part of a path.
fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
