//! The blast radius: everything below the bad assets, counted and grouped by the people who must be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::graph::NodeId;
use super::walk::{Met, View, Way};
use super::{AssetKind, Owner};
use crate::domain::counted;
use crate::domain::worded;

/// How many assets a team's list names. The others are only counted.
pub const LISTED: usize = 20;

worded! {
    /// Who is told: people downstream, people upstream, or people who asked.
    pub enum Whom {
        /// Producers: the owners of the root-cause candidate and of its parents.
        Upstream = "upstream" | "up" | "producers" | "owners",
        /// Consumers: the owners and users of the assets downstream.
        Downstream = "downstream" | "down" | "consumers",
        /// People who asked to be told, or for whom the configuration asks.
        Subscribed = "by subscription" (shown),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Affected {
    pub asset: String,
    pub kind: AssetKind,
    /// Its tier, 1 to 4.
    pub tier: u8,
    pub hops: u32,
}

/// A team's part of the blast radius.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamImpact {
    /// The team or person, with how they are reached.
    pub owner: Owner,
    /// Its assets, the most important first, at most [`LISTED`].
    pub assets: Vec<Affected>,
    pub total: usize,
}

impl TeamImpact {
    /// The tier of its most important asset.
    pub fn tier(&self) -> u8 {
        self.assets.iter().map(|affected| affected.tier).min().unwrap_or(4)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Impact {
    pub counts: BTreeMap<AssetKind, usize>,
    /// By team, the most important first.
    pub teams: Vec<TeamImpact>,
    pub unowned: usize,
    /// How many assets were reached only over edges that nobody has seen for a while.
    pub doubtful: usize,
}

impl Impact {
    /// How many assets there are, without jobs: nobody reads a job.
    pub fn assets(&self) -> usize {
        self.counts.iter().filter(|(kind, _)| **kind != AssetKind::Job).map(|(_, count)| count).sum()
    }

    /// `14 tables, 3 dashboards, 5 teams`.
    pub fn words(&self) -> String {
        words(&self.counts, self.teams.len())
    }
}

/// Numbers of assets and teams in words.
pub fn words(counts: &BTreeMap<AssetKind, usize>, teams: usize) -> String {
    let of = |kinds: &[AssetKind]| kinds.iter().filter_map(|kind| counts.get(kind)).sum::<usize>();
    let parts: Vec<_> = [
        (of(&[AssetKind::Table, AssetKind::Model, AssetKind::Source]), "table"),
        (of(&[AssetKind::Dashboard]), "dashboard"),
        (of(&[AssetKind::Ml]), "ML output"),
        (of(&[AssetKind::Unknown]), "other asset"),
        (teams, "team"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(number, of)| counted(number, of))
    .collect();
    if parts.is_empty() { "nothing below it is known".to_owned() } else { parts.join(", ") }
}

/// The blast radius of these assets, without the assets themselves.
pub fn impact(view: &View<'_>, of: &[NodeId]) -> Impact {
    let met = view.walk(of, Way::Down);
    let mut impact = grouped(view, &met);
    // Users of a broken asset belong to it as much as users of the assets downstream.
    let own: Vec<_> = of.iter().map(|node| Met { node: *node, hops: 0 }).collect();
    let mut users = grouped(view, &own).teams;
    users.retain(|team| team.owner.consumer);
    for user in users {
        match impact.teams.iter_mut().find(|team| team.owner.name.eq_ignore_ascii_case(&user.owner.name)) {
            Some(team) => {
                team.total += user.total;
                team.assets.splice(0..0, user.assets);
                team.assets.truncate(LISTED);
            }
            None => impact.teams.push(user),
        }
    }
    impact.teams.sort_by_key(|team| (team.tier(), std::cmp::Reverse(team.total)));
    if view.fading > view.forgotten {
        let sure = View { forgotten: view.fading, ..*view };
        impact.doubtful = met.len().saturating_sub(sure.walk(of, Way::Down).len());
    }
    impact
}

/// The people responsible for these assets and for their direct parents.
pub fn producers(view: &View<'_>, of: &[NodeId]) -> Impact {
    let mut met: Vec<_> = of.iter().map(|node| Met { node: *node, hops: 0 }).collect();
    for up in of.iter().flat_map(|node| view.next(*node, Way::Up)) {
        if !met.iter().any(|known| known.node == up) {
            met.push(Met { node: up, hops: 1 });
        }
    }
    let mut producers = grouped(view, &met);
    producers.teams.retain(|team| !team.owner.consumer);
    producers
}

/// The assets of one set of owners that are listed.
#[derive(Clone, Default)]
struct Listed {
    total: usize,
    met: Vec<Met>,
    /// The least important of them.
    worst: (u8, bool, u32),
}

fn grouped(view: &View<'_>, met: &[Met]) -> Impact {
    let graph = view.graph;
    let mut impact = Impact::default();
    // Group by set of owners first, since sets are few and assets are many.
    let importance = |met: &Met| (graph.tier(met.node), !graph.kind(met.node).is_consumer(), met.hops);
    let mut sets: Vec<Listed> = vec![Listed::default(); graph.owner_sets().len()];
    for met in met {
        let kind = graph.kind(met.node);
        *impact.counts.entry(kind).or_default() += 1;
        if kind == AssetKind::Job {
            continue;
        }
        let set = &mut sets[graph.owner_set(met.node) as usize];
        set.total += 1;
        let key = importance(met);
        // Only an asset more important than the last of a full list can enter it.
        if set.met.len() == LISTED && key >= set.worst {
            continue;
        }
        if set.met.len() == LISTED
            && let Some(last) = (0..LISTED).max_by_key(|place| importance(&set.met[*place]))
        {
            set.met.swap_remove(last);
        }
        set.met.push(*met);
        set.worst = set.met.iter().map(importance).max().unwrap_or(key);
    }
    let mut teams: BTreeMap<String, TeamImpact> = BTreeMap::new();
    for (owners, Listed { total, met: listed, .. }) in graph.owner_sets().iter().zip(sets) {
        if owners.is_empty() {
            impact.unowned += total;
        }
        if total == 0 {
            continue;
        }
        for owner in owners {
            let team = teams.entry(owner.name.to_lowercase()).or_insert_with(|| TeamImpact {
                owner: owner.clone(),
                assets: Vec::new(),
                total: 0,
            });
            team.total += total;
            team.owner.consumer &= owner.consumer;
            team.owner.slack = team.owner.slack.take().or_else(|| owner.slack.clone());
            team.owner.email = team.owner.email.take().or_else(|| owner.email.clone());
            team.assets.extend(listed.iter().map(|met| Affected {
                asset: graph.name(met.node).to_owned(),
                kind: graph.kind(met.node),
                tier: graph.tier(met.node),
                hops: met.hops,
            }));
        }
    }
    impact.teams = teams
        .into_values()
        .map(|mut team| {
            team.assets.sort_by(|one, other| {
                let key = |of: &Affected| (of.tier, !of.kind.is_consumer(), of.hops);
                key(one).cmp(&key(other)).then_with(|| one.asset.cmp(&other.asset))
            });
            team.assets.truncate(LISTED);
            team
        })
        .collect();
    impact.teams.sort_by_key(|team| (team.tier(), std::cmp::Reverse(team.total)));
    impact
}
