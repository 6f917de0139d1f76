//! What the lineage says of incidents and assets: candidates, blast radius, whom to tell, the asset's page, the gate. It reads the graph, the
//! index of bad assets, and the store. It changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::lookup::Lookup;
use super::queries::Filter;
use super::{App, Failure};
use crate::domain::incident::{Radius, Recipient, RootCandidate};
use crate::domain::lineage::impact::{Impact, impact, producers};
use crate::domain::lineage::root::{Evidence, Symptom, rank};
use crate::domain::lineage::walk::{Met, Way};
use crate::domain::lineage::{Asset, Candidate, Change, Graph, NodeId, Owner, RootReason, TeamImpact, View, Whom};
use crate::domain::times::stamp;
use crate::domain::visibility::Viewer;
use crate::domain::{AssetName, Command, Incident, IncidentId, Pillar, Severity, Status, Time, is_channel, is_person};
use crate::records::RootOf;
use crate::render::picture::Drawing;
use crate::store::Range;

/// The most people and teams that one round of telling reaches.
const MAX_RECIPIENTS: usize = 100;
/// How many assets a message to a team names.
const NAMED: usize = 8;

/// What the lineage says of an incident.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Where it may have started, the likeliest first.
    pub candidates: Vec<Candidate>,
    pub impact: Impact,
    /// The owners of the assets upstream.
    pub producers: Impact,
    /// The incident's assets that the catalog does not know.
    pub unknown: Vec<String>,
    /// Whether there is a lineage at all.
    pub has_lineage: bool,
}

impl Judgement {
    /// The size of its reach in words. What cannot be known is not called nothing.
    pub fn words(&self) -> String {
        let knows = self.has_lineage && self.unknown.is_empty();
        if !knows && self.impact == Impact::default() { "not known".to_owned() } else { self.impact.words() }
    }
}

/// Whether an asset can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Trust {
    /// The asset, as the catalog calls it.
    pub asset: String,
    /// `ok`: nothing is known against it. `upstream`: something it is made of is in an open incident. `incident`: it is itself.
    pub status: &'static str,
    /// In a few words: `no open incident`, `INC-12 open, noticed …`.
    pub words: String,
    /// The incidents, itself first, then the nearest upstream.
    pub incidents: Vec<Trouble>,
    /// Whether the catalog knows it.
    pub known: bool,
    /// Whether something may be published from it.
    #[serde(skip)]
    pub gate_open: bool,
}

/// An open incident of an asset, or of one that it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Trouble {
    /// `INC-12`.
    pub id: String,
    pub title: String,
    pub severity: Severity,
    pub status: Status,
    pub pillar: Pillar,
    /// Since when the data is bad. If nobody said so, when it was noticed.
    #[schema(value_type = DateTime)]
    pub since: Time,
    /// The asset that it is about.
    pub asset: String,
    /// How many edges that asset is away.
    pub hops: u32,
}

/// An asset near another.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Neighbour {
    /// Its name.
    pub asset: String,
    /// Table, model, dashboard, ….
    pub kind: &'static str,
    /// 1 matters most.
    pub tier: u8,
    /// How many edges away.
    pub hops: u32,
    /// Who owns it.
    pub owners: Vec<String>,
    /// Whether anybody checks it.
    pub monitored: bool,
}

/// An incident that an asset was in.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LastIncident {
    /// `INC-12`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How it stands.
    pub status: &'static str,
    /// When it was opened.
    #[schema(value_type = DateTime)]
    pub opened_at: Time,
}

/// What happened to an asset.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ChangeView {
    /// A run, a deployment, another schema.
    pub what: &'static str,
    /// When.
    #[schema(value_type = DateTime)]
    pub at: Time,
    /// In words.
    pub text: String,
}

/// Where more of an asset is to be read.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Link {
    /// What it is.
    pub what: String,
    /// Its address.
    pub url: String,
}

/// All there is to say of an asset.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AssetView {
    pub name: String,
    pub page: Option<String>,
    pub known: bool,
    pub status: &'static str,
    pub words: String,
    pub open_incidents: Vec<Trouble>,
    pub kind: Option<&'static str>,
    pub tier: Option<u8>,
    pub sla: Option<String>,
    pub description: Option<String>,
    pub aliases: Vec<String>,
    pub owners: Vec<Owner>,
    pub checks: Vec<&'static str>,
    pub links: Vec<Link>,
    pub sources: Vec<String>,
    pub upstream: Vec<Neighbour>,
    pub upstream_total: usize,
    pub downstream: Vec<Neighbour>,
    pub downstream_total: usize,
    pub downstream_all: usize,
    pub last_incidents: Vec<LastIncident>,
    pub changes: Vec<ChangeView>,
    pub columns: BTreeMap<String, Vec<String>>,
}

/// The evidence that an incident started at an asset.
#[derive(Debug, Clone, Default)]
struct Known {
    changes: Vec<Change>,
    past_roots: usize,
}

impl Evidence for Lookup<Known> {
    fn changes(&self, asset: &str) -> Vec<Change> {
        self.get(asset).unwrap_or_default().changes
    }

    fn past_roots(&self, asset: &str) -> usize {
        self.get(asset).unwrap_or_default().past_roots
    }
}

/// At most this many earlier incidents count for an asset as the root.
const PAST_ROOTS: usize = 20;

impl App {
    /// The bad assets of open incidents in the graph, each with its incident and the time since when.
    pub(super) fn bad_nodes(&self, graph: &Graph) -> HashMap<NodeId, (IncidentId, Time)> {
        let mut bad: HashMap<NodeId, (IncidentId, Time)> = HashMap::new();
        for (asset, uid, trouble) in self.models.health.read().all() {
            if let Some(node) = graph.find(asset) {
                let entry = bad.entry(node).or_insert_with(|| (uid.clone(), trouble.since));
                if trouble.since < entry.1 {
                    *entry = (uid.clone(), trouble.since);
                }
            }
        }
        bad
    }

    /// What is bad in the graph, by this incident and by others.
    fn symptoms(&self, graph: &Graph, incident: &Incident) -> (Vec<Symptom>, Vec<Symptom>, Vec<String>) {
        let (mut own, mut others, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let health = self.models.health.read();
        let any_firing = health.of_incident(&incident.uid).iter().any(|trouble| trouble.fires());
        for (_, uid, trouble) in health.seen_from(&incident.uid) {
            let is_own = *uid == incident.uid;
            // An asset that is green again is no symptom. If all are green again, the incident is about the assets that it was about.
            if !trouble.fires() && (any_firing || !is_own) {
                continue;
            }
            let Some(node) = graph.find(&self.catalog.naming.apply(&trouble.asset)) else {
                if is_own {
                    unknown.push(trouble.asset.clone());
                }
                continue;
            };
            let onset = trouble.firing().map(|(_, at)| at).min().unwrap_or(trouble.since);
            let mut pillars: Vec<Pillar> = trouble.firing().map(|(pillar, _)| pillar).collect();
            if pillars.is_empty() {
                pillars.push(incident.pillar);
            }
            pillars.sort();
            pillars.dedup();
            let symptom = Symptom { node, onset, pillars };
            if is_own { own.push(symptom) } else { others.push(symptom) }
        }
        own.sort_by_key(|symptom| (symptom.onset, symptom.node));
        unknown.sort();
        (own, others, unknown)
    }

    /// What the lineage says of an incident now. If it is over, what it reached.
    pub async fn judge(&self, incident: &Incident) -> Result<Judgement, Failure> {
        if !incident.status.is_open() {
            return self.reached(incident).await;
        }
        let mut known = Lookup::<Known>::default();
        loop {
            let judged = self.judge_by(incident, &known);
            let missed = known.missed();
            if missed.is_empty() {
                return Ok(judged);
            }
            for asset in missed {
                let found = self.evidence(&asset).await?;
                known.put(asset, Some(found));
            }
        }
    }

    async fn evidence(&self, asset: &str) -> Result<Known, Failure> {
        let past_roots = match AssetName::new(asset) {
            Some(name) => self.store.scan(&Range::<RootOf>::about(&name), PAST_ROOTS).await?.records.len(),
            None => 0,
        };
        Ok(Known { changes: self.changes(asset).await?, past_roots })
    }

    fn judge_by(&self, incident: &Incident, known: &Lookup<Known>) -> Judgement {
        let graph = self.catalog.graph();
        if graph.is_empty() {
            let unknown = incident.assets.iter().map(ToString::to_string).collect();
            return Judgement { unknown, ..Judgement::default() };
        }
        let view = self.view(&graph);
        let (own, others, unknown) = self.symptoms(&graph, incident);
        let mut candidates = rank(&view, &own, &others, known);
        candidates.truncate(10);
        let mut nodes: Vec<NodeId> = own.iter().map(|symptom| symptom.node).collect();
        let root = candidates.first().and_then(|candidate| graph.find(&candidate.asset));
        // An asset that a root upstream reaches is in danger too, once the root shows the issue itself.
        if let Some(root) = root.filter(|root| candidates[0].observed && !nodes.contains(root)) {
            nodes.push(root);
        }
        let mut made_of = nodes.clone();
        made_of.extend(root);
        made_of.dedup();
        Judgement {
            impact: if nodes.is_empty() { Impact::default() } else { impact(&view, &nodes) },
            producers: producers(&view, &root.map_or(made_of, |root| vec![root])),
            candidates,
            unknown,
            has_lineage: true,
        }
    }

    pub fn impact_of(&self, shown: &str) -> Impact {
        let graph = self.catalog.graph();
        let node = graph.find(shown);
        node.map(|node| impact(&self.view(&graph), &[node])).unwrap_or_default()
    }

    /// The command that brings an incident's judgement up to date.
    pub(crate) async fn assessment(&self, incident: &Incident) -> Result<Command, Failure> {
        let judged = self.judge(incident).await?;
        let root = |candidate: &Candidate| {
            Some(RootCandidate {
                asset: AssetName::new(&candidate.asset)?,
                reason: RootReason::Clues(candidate.reasons.iter().take(3).cloned().collect()),
                not_monitored: candidate.not_monitored.clone(),
            })
        };
        let candidates: Vec<_> = judged.candidates.iter().take(Incident::MAX_ROOTS).filter_map(root).collect();
        let radius = (!candidates.is_empty()).then(|| Radius {
            said: None,
            counts: judged.impact.counts.clone(),
            assets: judged.impact.assets(),
            teams: judged.impact.teams.len(),
        });
        let tiers = &self.config.lineage.notify_tiers;
        let concerned = judged.impact.teams.iter().filter(|team| tiers.contains(&team.tier()));
        let tell = concerned.map(|team| self.recipient(team)).take(MAX_RECIPIENTS).collect();
        let owners = judged.impact.teams.iter().chain(&judged.producers.teams);
        let teams: Vec<String> = owners.map(|team| team.owner.name.clone()).collect();
        let followers = if incident.is_apart() { Vec::new() } else { self.subscribers(incident, &teams).await };
        Ok(Command::Assess { candidates, radius, tell, followers })
    }

    /// Who must be told of an incident, by the present lineage. Includes those who cannot be reached.
    pub async fn recipients(&self, incident: &Incident, whom: Whom) -> Result<Vec<Recipient>, Failure> {
        Ok(self.recipients_of(&self.judge(incident).await?, whom))
    }

    pub fn recipients_of(&self, judged: &Judgement, whom: Whom) -> Vec<Recipient> {
        let teams = match whom {
            Whom::Downstream => judged.impact.teams.as_slice(),
            Whom::Upstream => &judged.producers.teams,
            Whom::Subscribed => &[],
        };
        let mut recipients: Vec<Recipient> = Vec::new();
        for team in teams {
            let recipient = self.recipient(team);
            match recipients.iter_mut().find(|known| known.is_same(&recipient)) {
                Some(known) => {
                    known.assets.extend(recipient.assets);
                    known.assets.truncate(NAMED);
                    known.total += recipient.total;
                }
                None => recipients.push(recipient),
            }
        }
        recipients.truncate(MAX_RECIPIENTS);
        recipients
    }

    /// How to reach an owner: as the configured team of this name or address, else as the catalog says.
    fn recipient(&self, TeamImpact { owner, assets, total }: &TeamImpact) -> Recipient {
        let bare = owner.name.trim_start_matches(['@', '#']);
        let team = self.policy.teams.iter().find(|team| {
            team.name.eq_ignore_ascii_case(bare)
                || owner.email.as_ref().is_some_and(|email| team.email.as_ref() == Some(email))
        });
        let slack = team
            .and_then(|team| team.contact.clone())
            .or_else(|| owner.slack.clone().filter(|slack| is_channel(slack) || is_person(slack)));
        let email = team.and_then(|team| team.email.clone()).or_else(|| owner.email.clone());
        let mail_is_on = !self.config.mail.smtp_url.is_empty();
        let name = team.map_or_else(|| bare.to_owned(), |team| team.name.clone());
        Recipient {
            key: name.to_lowercase().replace('/', "-"),
            name,
            slack,
            email: email.filter(|_| mail_is_on),
            assets: assets.iter().take(NAMED).map(|affected| affected.asset.clone()).collect(),
            total: *total,
        }
    }

    /// Whether an asset can be trusted, and whether something may be published from it.
    pub async fn trust(&self, name: &str) -> Result<Trust, Failure> {
        let (asset, known, near) = self.troubles_of(name);
        let mut incidents: Vec<(u32, Incident, String)> = Vec::new();
        for (hops, uid, asset) in near {
            if incidents.len() < 20
                && !incidents.iter().any(|(_, known, _)| known.uid == *uid)
                && let Some(incident) = self.incident(&uid).await?.filter(|incident| incident.status.is_open())
            {
                incidents.push((hops, incident, asset));
            }
        }
        let gate_from = self.config.lineage.gate_from.0;
        let gate_open = !incidents.iter().any(|(_, incident, _)| incident.severity <= gate_from);
        let since = |incident: &Incident| incident.bad_from.unwrap_or(incident.detected_at);
        // Since when it is bad is not known before somebody says so.
        let bad = |incident: &Incident| match incident.bad_from {
            Some(at) => format!("bad since {}", stamp(at)),
            None => format!("noticed {}", stamp(incident.detected_at)),
        };
        let (status, words) = match incidents.first() {
            None if known => ("ok", "no open incident".to_owned()),
            None => ("ok", "no open incident of it; what it is made of is not known".to_owned()),
            Some((0, incident, _)) => ("incident", format!("{} open, {}", incident.name(), bad(incident))),
            Some((_, incident, asset)) => {
                ("upstream", format!("{} open upstream ({asset}), {}", incident.name(), bad(incident)))
            }
        };
        let incidents = incidents
            .into_iter()
            .map(|(hops, incident, asset)| Trouble {
                id: incident.name(),
                severity: incident.severity,
                status: incident.status,
                pillar: incident.pillar,
                since: since(&incident),
                title: incident.title,
                asset,
                hops,
            })
            .collect();
        Ok(Trust { asset, status, words, incidents, known, gate_open })
    }

    /// An asset by the catalog's name, whether the catalog knows it, and what is wrong with it or upstream of it, nearest first: hops, incident,
    /// asset.
    fn troubles_of(&self, name: &str) -> (String, bool, Vec<(u32, IncidentId, String)>) {
        let graph = self.catalog.graph();
        let view = self.view(&graph);
        let spelled = self.catalog.naming.apply(name);
        let node = graph.find(&spelled);
        let mut near: Vec<(String, u32)> = vec![(spelled.clone(), 0)];
        let health = self.models.health.read();
        let node_of = |asset: &str| graph.find(&self.catalog.naming.apply(asset));
        let bad = health.all().map(|(_, _, trouble)| &trouble.asset);
        let bad: HashMap<NodeId, &String> = bad.filter_map(|asset| Some((node_of(asset)?, asset))).collect();
        if let Some(node) = node {
            let up = if bad.is_empty() { Vec::new() } else { view.walk(&[node], Way::Up) };
            let met = std::iter::once(Met { node, hops: 0 }).chain(up);
            near.extend(met.filter_map(|met| Some(((*bad.get(&met.node)?).clone(), met.hops))));
        }
        let troubles = near
            .iter()
            .flat_map(|(asset, hops)| health.of(asset).map(move |(uid, _)| (*hops, uid.clone(), asset.clone())));
        let troubles = troubles.collect();
        (node.map_or(spelled, |node| graph.name(node).to_owned()), node.is_some(), troubles)
    }

    /// Neighbours in one direction, nearest first, at most `limit`, with their total number.
    pub fn neighbours(&self, shown: &str, way: Way, depth: Option<u32>, limit: usize) -> (Vec<Neighbour>, usize) {
        let graph = self.catalog.graph();
        let view = self.view(&graph);
        let Some(node) = graph.find(shown) else { return (Vec::new(), 0) };
        let mut met = view.walk(&[node], way);
        met.retain(|met| depth.is_none_or(|depth| met.hops <= depth));
        let listed = met.iter().take(limit).map(|met| neighbour(&view, met)).collect();
        (listed, met.len())
    }

    /// Everything that the page of an asset shows.
    pub async fn asset_page(&self, shown: &str) -> Result<AssetView, Failure> {
        let asset = self.asset(shown).await?;
        let trust = self.trust(shown).await?;
        let (upstream, upstream_total) = self.neighbours(shown, Way::Up, Some(1), 10);
        let (downstream, downstream_total) = self.neighbours(shown, Way::Down, Some(1), 10);
        let downstream_all = self.neighbours(shown, Way::Down, None, 0).1;
        // Anyone may read the page, so it shows only what is for everybody.
        let filter = Filter { asset: AssetName::new(shown), viewer: Viewer::Public, ..Filter::default() };
        let last = self.list(&filter, None, 5).await?.incidents.into_iter().map(|incident| LastIncident {
            id: incident.name(),
            status: incident.status.as_str(),
            opened_at: incident.opened_at,
            title: incident.title,
        });
        let changes = self.changes(shown).await?.into_iter().take(5).map(|change| ChangeView {
            what: change.what.as_str(),
            at: change.at,
            text: change.text,
        });
        let facts = asset.as_ref();
        let link = |(what, url): (&str, String)| Link { what: what.to_owned(), url };
        Ok(AssetView {
            name: trust.asset,
            page: self.page_of_asset(shown),
            known: trust.known,
            status: trust.status,
            words: trust.words,
            open_incidents: trust.incidents,
            kind: facts.map(|asset| asset.kind().as_str()),
            tier: facts.and_then(Asset::tier),
            sla: facts.and_then(Asset::sla),
            description: facts.and_then(Asset::description),
            aliases: facts.map(|asset| asset.aliases.clone()).unwrap_or_default(),
            owners: facts.map(Asset::owners).unwrap_or_default(),
            checks: facts.into_iter().flat_map(Asset::checks).map(Pillar::as_str).collect(),
            links: facts.into_iter().flat_map(Asset::links).map(link).collect(),
            sources: facts.map(|asset| asset.facts.keys().cloned().collect()).unwrap_or_default(),
            upstream,
            upstream_total,
            downstream,
            downstream_total,
            downstream_all,
            last_incidents: last.collect(),
            changes: changes.collect(),
            columns: self.columns(shown).await?,
        })
    }

    /// The address of an asset's page.
    pub fn page_of_asset(&self, shown: &str) -> Option<String> {
        let mut url = url::Url::parse(&self.config.server.public_url).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["assets", shown]);
        Some(url.into())
    }

    /// The asset of this page. `None` for any other address.
    pub fn asset_of_page(&self, link: &str) -> Option<String> {
        let (ours, link) = (url::Url::parse(&self.config.server.public_url).ok()?, url::Url::parse(link).ok()?);
        if ours.origin() != link.origin() {
            return None;
        }
        let name = link.path().strip_prefix(ours.path().trim_end_matches('/'))?.strip_prefix("/assets/")?;
        // A path segment is percent-encoded like a form's value, except for the plus sign.
        let decoded: Vec<(String, String)> =
            serde_urlencoded::from_str(&format!("n={}", name.replace('+', "%2B"))).ok()?;
        decoded.into_iter().next().map(|(_, name)| name)
    }

    /// One of the shortest ways from one asset down to another.
    pub fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let graph = self.catalog.graph();
        let path = self.view(&graph).path(graph.find(from)?, graph.find(to)?)?;
        Some(path.into_iter().map(|node| graph.name(node).to_owned()).collect())
    }

    /// The latest changes upstream of an asset, newest first, at most `limit`.
    pub async fn changed_upstream(&self, shown: &str, limit: usize) -> Result<Vec<(String, Change)>, Failure> {
        let names: Vec<String> = {
            let graph = self.catalog.graph();
            let view = self.view(&graph);
            let Some(node) = graph.find(shown) else { return Ok(Vec::new()) };
            // Only the nearest thousand: assets farther away are reached through them.
            let met = view.walk(&[node], Way::Up);
            std::iter::once(node)
                .chain(met.iter().take(1000).map(|met| met.node))
                .map(|node| graph.name(node).to_owned())
                .collect()
        };
        let mut changes = Vec::new();
        for name in names {
            changes.extend(self.changes(&name).await?.into_iter().map(|change| (name.clone(), change)));
        }
        changes.retain(|(_, change)| change.what != crate::domain::lineage::ChangeKind::Ran);
        changes.sort_by_key(|(_, change)| std::cmp::Reverse(change.at));
        changes.truncate(limit);
        Ok(changes)
    }

    /// The picture of an incident. `None` if the lineage has nothing to show.
    pub async fn drawing(&self, incident: &Incident) -> Result<Option<Drawing>, Failure> {
        // What was broken while the incident was open.
        let before = if incident.status.is_open() { Vec::new() } else { self.alerts(&incident.uid).await? };
        let graph = self.catalog.graph();
        let view = self.view(&graph);
        let (own, others, _) = self.symptoms(&graph, incident);
        let root = incident.roots.first().and_then(|root| graph.find(root.asset.as_str()));
        let mut broken: Vec<NodeId> = if incident.status.is_open() {
            own.iter().map(|symptom| symptom.node).collect()
        } else {
            let assets = before.iter().filter_map(|alert| alert.signal.asset.as_ref());
            let nodes = assets.filter_map(|asset| graph.find(&self.catalog.naming.apply(asset.as_str())));
            nodes.collect::<BTreeSet<_>>().into_iter().collect()
        };
        // The root may belong to another incident.
        broken.extend(root.filter(|root| others.iter().any(|symptom| symptom.node == *root)));
        broken.dedup();
        let title: String = format!("{}: {}", incident.name(), incident.title).chars().take(90).collect();
        Ok(Drawing::of(&view, &title, root, &broken))
    }
}

fn neighbour(view: &View<'_>, met: &Met) -> Neighbour {
    let graph = view.graph;
    Neighbour {
        asset: graph.name(met.node).to_owned(),
        kind: graph.kind(met.node).as_str(),
        tier: graph.tier(met.node),
        hops: met.hops,
        owners: graph.owners(met.node).iter().map(|owner| owner.name.clone()).collect(),
        monitored: graph.is_monitored(met.node),
    }
}
