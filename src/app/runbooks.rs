//! The runbooks: the shipped ones, and the operator's, which replace or extend them.

use std::collections::HashMap;

use crate::domain::runbook::{Library, Runbook};

#[derive(rust_embed::RustEmbed)]
#[folder = "runbooks/"]
struct ShippedRunbooks;

/// The shipped runbooks, and those of a folder, which replace them (same id) or extend them.
///
/// # Errors
/// The first file that is wrong, with its line.
pub fn load_library(folder: Option<&std::path::Path>) -> anyhow::Result<Library> {
    let mut books: HashMap<String, (String, Runbook)> = HashMap::new();
    for file in ShippedRunbooks::iter().filter(|file| file.ends_with(".md")) {
        if let Some(content) = ShippedRunbooks::get(&file) {
            let name = format!("runbooks/{file}");
            let book = Runbook::parse(&name, &String::from_utf8_lossy(&content.data))?;
            books.insert(book.head.id.clone(), (name, book));
        }
    }
    let mut own = Vec::new();
    if let Some(folder) = folder {
        let entries = std::fs::read_dir(folder)
            .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", folder.display()))?;
        for path in entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", path.display()))?;
            let name = path.display().to_string();
            own.push((name.clone(), Runbook::parse(&name, &text)?));
        }
    }
    for (_, book) in &own {
        books.remove(&book.head.id);
    }
    let mut all: Vec<_> = books.into_values().chain(own).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Library::new(all)?)
}
