//! How the code hangs together: floors, arrows between files, one style of folders, and what is done in one place only.

mod imports;

use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    read_file(&root().join(path))
}

fn read_file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn below_src(path: &Path) -> String {
    path.strip_prefix(root().join("src")).unwrap().to_string_lossy().into_owned()
}

pub fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// A room may import only rooms below it.
#[test]
fn rooms_import_only_rooms_below() {
    let allowed: &[(&str, &[&str])] = &[
        ("domain", &[]),
        ("clock", &[]),
        ("telemetry", &[]),
        ("catalog", &["domain"]),
        ("pagerduty", &["domain"]),
        ("render", &["domain"]),
        ("store", &["clock"]),
        ("config", &["catalog", "domain", "telemetry"]),
        ("mail", &["config", "domain", "render"]),
        ("slack", &["domain", "render"]),
        ("monitors", &["catalog", "config", "domain"]),
        ("records", &["domain", "render", "slack", "store"]),
        ("read_models", &["domain", "records", "slack", "store"]),
        (
            "app",
            &[
                "catalog",
                "clock",
                "config",
                "domain",
                "read_models",
                "records",
                "render",
                "slack",
                "store",
                "telemetry",
            ],
        ),
        ("chat", &["app", "domain", "records", "render", "slack", "store"]),
        (
            "delivery",
            &["app", "chat", "domain", "mail", "pagerduty", "records", "render", "slack", "store", "telemetry"],
        ),
        (
            "http",
            &[
                "app",
                "catalog",
                "chat",
                "clock",
                "config",
                "domain",
                "monitors",
                "pagerduty",
                "records",
                "render",
                "slack",
                "store",
                "telemetry",
            ],
        ),
        (
            "cli",
            &[
                "app",
                "catalog",
                "clock",
                "config",
                "domain",
                "http",
                "mail",
                "monitors",
                "render",
                "sandbox",
                "slack",
                "store",
                "telemetry",
            ],
        ),
        ("sandbox", &[]),
    ];
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files {
        let relative = below_src(&file);
        let room = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let (_, below) =
            allowed.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("the room {room} has no floor"));
        let text = std::fs::read_to_string(&file).unwrap();
        let production = text.split("#[cfg(test)]").next().unwrap();
        assert!(production.starts_with("//!"), "{relative} does not say what lives in it");
        for import in production.split("crate::").skip(1) {
            let import = import.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            let known = allowed.iter().any(|(name, _)| *name == import);
            assert!(
                !known || import == room || below.contains(&import),
                "{relative} imports {import}, which is not below {room}"
            );
        }
        if room == "sandbox" {
            assert!(!production.contains("crate::") || production.contains("crate::sandbox"), "{relative}");
        }
        assert_eq!(
            text.matches("#[cfg(test)]").count(),
            text.matches("#[cfg(test)]\nmod tests {").count(),
            "{relative} behaves otherwise under test"
        );
    }
}

/// A read model is moved by the store's follower only: its lock is written nowhere else.
#[test]
fn read_models_are_moved_in_one_place() {
    let text = read("src/read_models/followed.rs");
    let production = text.split("#[cfg(test)]").next().unwrap();
    let writes: Vec<&str> = production.lines().filter(|line| line.contains(".write()")).collect();
    assert_eq!(writes.len(), 3, "apply, set and catch_up: {writes:#?}");
    assert!(production.contains("pub struct Followed<T>(Arc<RwLock<T>>);"), "nobody else reaches the lock");
    let mut files = Vec::new();
    sources(&root().join("src/read_models"), &mut files);
    for file in files.iter().filter(|file| !file.ends_with("followed.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("RwLock") && !text.contains("Mutex"), "{} has a lock of its own", file.display());
        assert!(!text.contains(".write()"), "{} moves a read model", file.display());
    }
    // And nothing but the store calls the follower.
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files {
        let relative = below_src(&file);
        let text = std::fs::read_to_string(&file).unwrap();
        let inside = relative.starts_with("store/") || relative.starts_with("read_models/");
        assert!(inside || !text.contains("Follower"), "{relative} calls the follower");
    }
}

/// Nobody reads the wall clock but `clock.rs`; clippy's list says so too.
#[test]
fn the_wall_clock_is_read_in_one_file() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files.iter().filter(|file| !file.ends_with("clock.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for banned in ["Utc::now", "SystemTime::now", "Instant::now", "Local::now"] {
            assert!(!text.contains(banned), "{} reads the clock", file.display());
        }
    }
}

/// Files import each other in one direction only, so each can be read once those below it are.
#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let texts: Vec<(String, String)> = files.iter().map(|file| (below_src(file), read_file(file))).collect();
    let tree = imports::Tree::of(texts.iter().map(|(file, text)| (&**file, &**text)));
    let circles = tree.circles();
    assert!(circles.is_empty(), "these files import each other: {circles:#?}");
}

/// The file of a folder is its `mod.rs`; a file beside the folder says the same twice.
#[test]
fn a_folder_has_its_file_inside() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let beside: Vec<_> =
        files.iter().filter(|file| file.with_extension("").is_dir()).map(|file| below_src(file)).collect();
    assert!(beside.is_empty(), "move these to the mod.rs of their folders: {beside:?}");
}
