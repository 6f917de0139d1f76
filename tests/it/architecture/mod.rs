//! How the code hangs together: floors, arrows between files, one style of folders, and what is done in one place only.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
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
    let mut all = Vec::new();
    every_file(folder, &mut all);
    found.extend(all.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")));
}

fn every_file(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() { every_file(&path, found) } else { found.push(path) }
    }
}

/// Every file below `src/`, with its text.
fn texts() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    files.iter().map(|file| (below_src(file), read_file(file))).collect()
}

/// The table of ARCHITECTURE.md that says which room may import which.
fn allowed_rooms() -> BTreeMap<String, BTreeSet<String>> {
    let page = read("ARCHITECTURE.md");
    let (_, table) = page.split_once("| room | may import |").expect("the table is there");
    let names = |cell: &str| {
        cell.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches(".rs").to_owned()).collect::<BTreeSet<_>>()
    };
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        names(cells[1]).into_iter().map(move |room| (room, names(cells[2])))
    })
    .collect()
}

/// A room may import only the rooms that the table allows.
#[test]
fn rooms_import_only_rooms_below() {
    let allowed = allowed_rooms();
    let room = |file: &str| file.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let texts = texts();
    let tree = imports::Tree::of(texts.iter().map(|(file, text)| (&**file, &**text)));
    for (file, imported) in tree.imports().into_iter().filter(|(file, _)| !matches!(*file, "lib.rs" | "main.rs")) {
        let from = room(file);
        let below = allowed.get(&from).unwrap_or_else(|| panic!("ARCHITECTURE.md does not say what {from} may import"));
        for import in imported.into_iter().map(room).filter(|import| *import != from) {
            assert!(below.contains(&import), "{file} imports {import}, which is not below {from}");
        }
    }
    for (file, text) in &texts {
        assert!(text.starts_with("//!"), "{file} does not say what lives in it");
        let tests = (text.matches("#[cfg(test)]").count(), text.matches("#[cfg(test)]\nmod tests {").count());
        assert_eq!(tests.0, tests.1, "{file} behaves otherwise under test");
    }
    let rooms: BTreeSet<_> = texts.iter().map(|(file, _)| room(file)).collect();
    assert!(allowed.keys().all(|known| rooms.contains(known)), "a room of ARCHITECTURE.md is gone");
}

/// Each file that ARCHITECTURE.md and CONTRIBUTING.md name is there.
#[test]
fn the_pages_name_files_that_are_there() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root()).unwrap().flatten().map(|entry| entry.path()).collect();
    for folder in ["docs", "message-templates", "src", "templates", "tests"] {
        every_file(&root().join(folder), &mut files);
    }
    let name = regex::Regex::new(r"`([\w./-]+\.(?:rs|hbs|md|jsonl?|html))`").unwrap();
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = read(page);
        for name in name.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()) {
            assert!(files.iter().any(|file| file.ends_with(name)), "{page} names {name}, which does not exist");
        }
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
    let texts = texts();
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
