//! Muster's own plain YAML, for facts that no tool knows. Unknown keys are refused; the message says in which line they are.

use serde::Deserialize;

use super::{BadCatalog, Import};
use crate::domain::Pillar;
use crate::domain::lineage::names::clean;
use crate::domain::lineage::sighting::Sighting;
use crate::domain::lineage::{AssetKind, Facts, Owner};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    assets: Vec<Entry>,
    /// `[from, to]`: edges between assets that need no other facts.
    #[serde(default)]
    edges: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    kind: Option<String>,
    tier: Option<u8>,
    #[serde(default)]
    owners: Vec<Person>,
    #[serde(default)]
    consumers: Vec<Person>,
    #[serde(default)]
    checks: Vec<String>,
    sla: Option<String>,
    description: Option<String>,
    docs: Option<String>,
    code: Option<String>,
    url: Option<String>,
    #[serde(default)]
    upstream: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Person {
    Word(String),
    Full(Full),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    name: String,
    slack: Option<String>,
    email: Option<String>,
}

impl Person {
    fn owner(self, consumer: bool) -> Option<Owner> {
        match self {
            Self::Word(word) => super::owner(&word, consumer),
            Self::Full(Full { name, slack, email }) => Some(Owner { name, slack, email, consumer }),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// Says what is wrong with it, and in which line.
pub fn read(text: &str) -> Result<Import, BadCatalog> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| BadCatalog(error.to_string()))?;
    let mut sightings = file.assets.into_iter().map(sighting).collect::<Result<Vec<_>, _>>()?;
    for (from, to) in file.edges {
        let to = clean(&to);
        let known =
            sightings.iter_mut().find(|sighting| sighting.names.iter().any(|name| name.eq_ignore_ascii_case(&to)));
        let parent = (vec![clean(&from)], None);
        match known {
            Some(sighting) => sighting.parents.push(parent),
            None => sightings.push(Sighting {
                names: vec![to],
                source: "yaml".to_owned(),
                whole: true,
                parents: vec![parent],
                ..Sighting::default()
            }),
        }
    }
    Ok(Import { sightings, ..Import::default() })
}

fn sighting(entry: Entry) -> Result<Sighting, BadCatalog> {
    let wrong = |what: String| BadCatalog(format!("asset `{}`: {what}", entry.name));
    let name = clean(&entry.name);
    if name.is_empty() {
        return Err(BadCatalog("an asset has an empty name".to_owned()));
    }
    let kind = match &entry.kind {
        None => AssetKind::Unknown,
        Some(word) => AssetKind::parse(word)
            .ok_or_else(|| wrong(format!("kind `{word}` must be source, table, model, job, dashboard or ml")))?,
    };
    if let Some(tier) = entry.tier.filter(|tier| !(1..=4).contains(tier)) {
        return Err(wrong(format!("tier {tier} must be 1 (matters most) to 4")));
    }
    let checks = entry.checks.iter().map(|word| {
        Pillar::parse(word).ok_or_else(|| {
            wrong(format!("check `{word}` must be freshness, volume, schema, distribution, pipeline or other"))
        })
    });
    let checks = checks.collect::<Result<_, _>>()?;
    let owners = entry.owners.into_iter().filter_map(|owner| owner.owner(false));
    let consumers = entry.consumers.into_iter().filter_map(|owner| owner.owner(true));
    Ok(Sighting {
        names: std::iter::once(name).chain(entry.aliases.iter().map(|alias| clean(alias))).collect(),
        namespace: None,
        source: "yaml".to_owned(),
        whole: true,
        facts: Facts {
            kind,
            tier: entry.tier,
            owners: owners.chain(consumers).collect(),
            checks,
            sla: entry.sla,
            description: entry.description,
            docs: entry.docs,
            code: entry.code,
            url: entry.url,
            ..Facts::default()
        },
        parents: entry.upstream.iter().map(|parent| (vec![clean(parent)], None)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_is_refused_with_its_place() {
        let unknown = read("assets:\n  - name: a\n    owner: b\n").expect_err("unknown key").to_string();
        assert!(unknown.contains("owner") && unknown.contains("line 3"), "{unknown}");
        let kind = read("assets:\n  - name: a\n    kind: tabel\n").expect_err("unknown kind").to_string();
        assert_eq!(kind, "asset `a`: kind `tabel` must be source, table, model, job, dashboard or ml");
    }

    #[test]
    fn owners_are_words_or_more() {
        let import = read("assets:\n  - name: a\n    owners: [team-x, {name: bob, email: bob@example.com}]\n    consumers: ['#bi']\nedges:\n  - [b, a]\n  - [a, c]\n").expect("a file");
        let owners = &import.sightings[0].facts.owners;
        assert_eq!(owners.iter().map(|owner| owner.name.as_str()).collect::<Vec<_>>(), ["team-x", "bob", "bi"]);
        assert!(owners[2].consumer && owners[2].slack.as_deref() == Some("#bi"));
        assert_eq!(import.sightings[0].parents, [(vec!["b".to_owned()], None)]);
        assert_eq!(import.sightings[1].names, ["c"]);
    }
}
