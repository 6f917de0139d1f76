//! The most upstream assets that show the issue, ranked, with the reasons for each.
//!
//! A bad asset with nothing bad above it is a candidate. A cycle counts as one place. If several candidates hang under one
//! unchecked asset, that asset is a suspect too. So is a job whose outputs are all bad. An unchecked asset never counts as good:
//! it is named as "cannot rule out".

use serde::{Deserialize, Serialize};

use super::clue::Clue;
use super::graph::NodeId;
use super::walk::{View, Way};
use super::{AssetKind, Change, ChangeKind};
use crate::domain::{Pillar, Time};

/// At most this many candidates are ranked. Each is one bit.
const MAX_CANDIDATES: usize = 64;
/// The clocks of monitors may differ by this many minutes.
const SLACK_MINUTES: i64 = 10;
/// A change at most this many hours before the onset may have caused it.
const RECENT_HOURS: i64 = 24;

/// An asset that is bad now.
#[derive(Debug, Clone, PartialEq)]
pub struct Symptom {
    pub node: NodeId,
    pub onset: Time,
    pub pillars: Vec<Pillar>,
}

/// What is known about a candidate in addition to the graph.
pub trait Evidence {
    /// What happened to it lately, the newest first.
    fn changes(&self, asset: &str) -> Vec<Change>;
    /// In how many earlier incidents it was the root cause.
    fn past_roots(&self, asset: &str) -> usize;
}

/// Nothing is known.
impl Evidence for () {
    fn changes(&self, _: &str) -> Vec<Change> {
        Vec::new()
    }

    fn past_roots(&self, _: &str) -> usize {
        0
    }
}

/// Where the incident may have started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    pub asset: String,
    /// In words, where people and programs see them.
    #[schema(value_type = Vec<String>)]
    pub reasons: Vec<Clue>,
    pub observed: bool,
    /// A few of the unchecked assets above it, or between it and the bad assets. They cannot be ruled out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_monitored: Vec<String>,
    /// The sum of the terms. Use it only to compare.
    pub score: f64,
}

/// Places (assets, or cycles of them) above the bad assets, ancestors first.
struct Region {
    /// The members of the places, one place after another.
    members: Vec<NodeId>,
    /// Where each place's members begin. It has one entry more than there are places.
    starts: Vec<u32>,
    /// The place of a node, plus one. 0 if the node is outside.
    place_of: Vec<u32>,
    /// The places directly above each place, one place after another, and where each list begins.
    above: Vec<u32>,
    above_starts: Vec<u32>,
}

impl Region {
    /// How many places there are.
    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn members(&self, place: usize) -> &[NodeId] {
        &self.members[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    /// The places directly above one.
    fn above(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let range = self.above_starts[place] as usize..self.above_starts[place + 1] as usize;
        self.above[range].iter().map(|up| *up as usize)
    }

    /// Computes once which places are above which. Every pass uses it.
    fn connect(&mut self, view: &View<'_>) {
        self.above_starts.push(0);
        for place in 0..self.len() {
            let begin = self.above.len();
            for member in self.starts[place]..self.starts[place + 1] {
                for up in view.next(self.members[member as usize], Way::Up) {
                    if let Some(up) = self.place(up).filter(|up| *up != place) {
                        self.above.push(as_index(up));
                    }
                }
            }
            if self.above.len() - begin > 1 {
                self.above[begin..].sort_unstable();
            }
            self.above_starts.push(as_index(self.above.len()));
        }
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        (self.place_of[node as usize] as usize).checked_sub(1)
    }
}

fn as_index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Tarjan's strongly connected components, over the upward edges from `from`. A place comes after all places above it.
fn region(view: &View<'_>, from: &[NodeId]) -> Region {
    let bound = view.graph.bound();
    let mut region = Region {
        members: Vec::new(),
        starts: vec![0],
        place_of: vec![0; bound],
        above: Vec::new(),
        above_starts: Vec::new(),
    };
    let mut index = vec![0_u32; bound];
    let mut low = vec![0_u32; bound];
    let mut next_index = 1;
    let mut stack = Vec::new();
    let mut work: Vec<(NodeId, usize)> = Vec::new();
    for start in from {
        if index[*start as usize] != 0 {
            continue;
        }
        work.push((*start, 0));
        while let Some((node, edge)) = work.pop() {
            let at = node as usize;
            if edge == 0 {
                index[at] = next_index;
                low[at] = next_index;
                next_index += 1;
                stack.push(node);
            }
            // Continue with the edges where we stopped. Skip edges that do not count.
            let ups = view.graph.ups(node);
            let mut descended = false;
            for (place, link) in ups.iter().enumerate().skip(edge) {
                if link.seen < view.forgotten {
                    continue;
                }
                let up = link.node as usize;
                if index[up] == 0 {
                    // Come back to the next edge.
                    work.push((node, place + 1));
                    work.push((link.node, 0));
                    descended = true;
                    break;
                } else if region.place_of[up] == 0 {
                    low[at] = low[at].min(low[up]);
                }
            }
            if descended {
                continue;
            }
            // Take over what was found above at once, whichever edge led there.
            for link in ups.iter().filter(|link| link.seen >= view.forgotten) {
                let up = link.node as usize;
                if region.place_of[up] == 0 {
                    low[at] = low[at].min(low[up]);
                }
            }
            if low[at] == index[at] {
                let place = as_index(region.starts.len());
                while let Some(member) = stack.pop() {
                    region.place_of[member as usize] = place;
                    region.members.push(member);
                    if member == node {
                        break;
                    }
                }
                region.starts.push(as_index(region.members.len()));
            }
        }
    }
    region.connect(view);
    region
}

/// One reason for or against a lead, in points.
type Term = (f64, Clue);

/// A lead's place among the leads, the sum of its terms, and the terms.
type Scored = (usize, f64, Vec<Term>);

/// A candidate before it is scored.
struct Lead {
    place: usize,
    observed: bool,
    job: bool,
}

/// Ranks the candidates for the bad assets in `reported`, best first. `others` are bad too, but belong to other incidents.
pub fn rank(view: &View<'_>, reported: &[Symptom], others: &[Symptom], evidence: &dyn Evidence) -> Vec<Candidate> {
    if reported.is_empty() {
        return Vec::new();
    }
    let starts: Vec<_> = reported.iter().map(|symptom| symptom.node).collect();
    let region = region(view, &starts);
    let mut bad: Vec<Option<&Symptom>> = vec![None; region.len()];
    for symptom in others.iter().chain(reported) {
        if let Some(place) = region.place(symptom.node) {
            bad[place] = match bad[place] {
                Some(known) if known.onset <= symptom.onset => Some(known),
                _ => Some(symptom),
            };
        }
    }
    let is_bad = |place: usize| bad[place].is_some();
    let above = |place: usize| region.above(place);

    // The frontier: bad, with nothing bad above. It is computed twice: among all bad assets, and among those of this incident.
    // A bad asset above that belongs to another incident may be the cause, or may be unrelated.
    let mut is_reported = vec![false; region.len()];
    starts.iter().filter_map(|node| region.place(*node)).for_each(|place| is_reported[place] = true);
    let (mut below_bad, mut below_reported) = (vec![false; region.len()], vec![false; region.len()]);
    for place in 0..region.len() {
        for up in above(place) {
            below_bad[place] |= is_bad(up) || below_bad[up];
            below_reported[place] |= is_reported[up] || below_reported[up];
        }
    }
    let is_top =
        |place: &usize| (is_bad(*place) && !below_bad[*place]) || (is_reported[*place] && !below_reported[*place]);
    let mut frontier: Vec<usize> = (0..region.len()).filter(is_top).collect();
    frontier.sort_by_key(|place| bad[*place].map(|symptom| symptom.onset));
    frontier.truncate(MAX_CANDIDATES / 2);
    let mut leads: Vec<Lead> =
        frontier.iter().map(|place| Lead { place: *place, observed: true, job: false }).collect();

    // Which assets of the frontier are below each place. The lowest places with several of them are suspects.
    let mut hanging = vec![0_u64; region.len()];
    for (bit, place) in frontier.iter().enumerate() {
        hanging[*place] = 1 << bit;
    }
    for place in (0..region.len()).rev() {
        let mask = hanging[place];
        for up in above(place) {
            hanging[up] |= mask;
        }
    }
    let mut lowest = vec![true; region.len()];
    for place in (0..region.len()).rev() {
        for up in above(place) {
            if hanging[up] == hanging[place] {
                lowest[up] = false;
            }
        }
    }
    let mut suspects: Vec<Lead> = (0..region.len())
        .filter(|place| !is_bad(*place) && hanging[*place] != 0)
        .filter_map(|place| {
            let job = is_failing_job(view, &region, &bad, place);
            let common = lowest[place] && hanging[place].count_ones() > 1;
            (job || common).then_some(Lead { place, observed: false, job })
        })
        .collect();
    suspects.sort_by_key(|lead| (!lead.job, std::cmp::Reverse(hanging[lead.place].count_ones())));
    suspects.truncate(MAX_CANDIDATES - leads.len());
    leads.extend(suspects);

    // Which leads are above each place. This takes one pass from the top.
    let mut covered_by = vec![0_u64; region.len()];
    for (bit, lead) in leads.iter().enumerate() {
        covered_by[lead.place] |= 1 << bit;
    }
    for place in 0..region.len() {
        covered_by[place] = above(place).fold(covered_by[place], |mask, up| mask | covered_by[up]);
    }
    let bad_places: Vec<usize> = (0..region.len()).filter(|place| is_bad(*place)).collect();

    // How far below each place the nearest bad asset is. This takes one pass from the bottom.
    let mut below = vec![u32::MAX; region.len()];
    for place in (0..region.len()).rev() {
        let far = if is_bad(place) { 1 } else { below[place].saturating_add(1) };
        for up in above(place) {
            below[up] = below[up].min(far);
        }
    }

    let scoring = Scoring {
        view,
        below: &below,
        region: &region,
        bad: &bad,
        bad_places: &bad_places,
        covered_by: &covered_by,
        evidence,
    };
    let mut scored: Vec<Scored> = leads
        .iter()
        .enumerate()
        .map(|(bit, lead)| {
            let terms = scoring.terms(bit, lead);
            (bit, terms.iter().map(|(term, _)| term).sum(), terms)
        })
        .collect();

    // Greedy cover: the next candidate is one that explains what the earlier ones do not.
    let mut explained = 0_u64;
    let mut ranked = Vec::new();
    while !scored.is_empty() {
        let rest = |bit: usize| {
            let new = bad_places
                .iter()
                .filter(|place| covered_by[**place] & explained == 0 && covered_by[**place] & (1 << bit) != 0)
                .count();
            ratio(new, bad_places.len())
        };
        let best = scored
            .iter()
            .enumerate()
            .map(|(at, (bit, score, _))| (at, score + COVERAGE * rest(*bit)))
            .max_by(|one, other| one.1.total_cmp(&other.1).then(other.0.cmp(&one.0)));
        let Some((at, score)) = best else { break };
        let (bit, _, mut terms) = scored.remove(at);
        explained |= 1 << bit;
        terms.sort_by(|one, other| other.0.total_cmp(&one.0));
        let lead = &leads[bit];
        let node = representative(&region, &bad, lead.place);
        ranked.push(Candidate {
            asset: view.graph.name(node).to_owned(),
            reasons: terms.into_iter().map(|(_, clue)| clue).collect(),
            observed: lead.observed,
            not_monitored: if ranked.len() < 3 { scoring.not_monitored(bit, lead.place) } else { Vec::new() },
            score,
        });
    }
    ranked
}

const COVERAGE: f64 = 2.0;

#[expect(clippy::cast_precision_loss, reason = "counts of assets")]
fn ratio(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// The member that shows the issue, or else the first.
fn representative(region: &Region, bad: &[Option<&Symptom>], place: usize) -> NodeId {
    bad[place].map_or(region.members(place)[0], |symptom| symptom.node)
}

/// A job whose outputs are all bad and whose inputs are not.
fn is_failing_job(view: &View<'_>, region: &Region, bad: &[Option<&Symptom>], place: usize) -> bool {
    let [node] = region.members(place)[..] else { return false };
    if view.graph.kind(node) != AssetKind::Job {
        return false;
    }
    let is_bad = |node: NodeId| region.place(node).is_some_and(|place| bad[place].is_some());
    let mut outputs = view.next(node, Way::Down).peekable();
    outputs.peek().is_some() && outputs.all(is_bad) && !view.next(node, Way::Up).any(is_bad)
}

/// Whether one pillar upstream explains another downstream: late data leads to few rows, a changed column to odd values.
fn implies(up: Pillar, down: Pillar) -> bool {
    up == down
        || matches!(
            (up, down),
            (Pillar::Freshness | Pillar::Pipeline, Pillar::Freshness | Pillar::Volume)
                | (Pillar::Volume, Pillar::Distribution)
                | (Pillar::Schema, Pillar::Pipeline | Pillar::Distribution | Pillar::Freshness)
                | (Pillar::Pipeline, Pillar::Distribution)
        )
}

struct Scoring<'a> {
    view: &'a View<'a>,
    region: &'a Region,
    bad: &'a [Option<&'a Symptom>],
    bad_places: &'a [usize],
    covered_by: &'a [u64],
    below: &'a [u32],
    evidence: &'a dyn Evidence,
}

impl Scoring<'_> {
    /// The reasons for and against a lead.
    fn terms(&self, bit: usize, lead: &Lead) -> Vec<Term> {
        let mut terms = Vec::new();
        let node = representative(self.region, self.bad, lead.place);
        let covered: Vec<&Symptom> = self
            .bad_places
            .iter()
            .filter(|place| self.covered_by[**place] & (1 << bit) != 0)
            .filter_map(|place| self.bad[*place])
            .collect();
        let others: Vec<_> = covered.iter().filter(|symptom| symptom.node != node).collect();
        if let Some(symptom) = self.bad[lead.place] {
            terms.push((2.0, Clue::ShowsIssue { pillars: symptom.pillars.clone() }));
            if others.is_empty() && self.bad_places.len() == 1 {
                terms.push((0.0, Clue::NothingAbove));
            }
            let slack = chrono::Duration::minutes(SLACK_MINUTES);
            if self.bad_places.len() > 1 && self.first_onset().is_some_and(|first| symptom.onset <= first + slack) {
                terms.push((1.5, Clue::First));
            }
            let earlier = others.iter().filter(|other| other.onset + slack < symptom.onset).count();
            if !others.is_empty() {
                terms.push(if earlier == 0 {
                    (1.0, Clue::BeforeOthers)
                } else {
                    (-ratio(earlier, others.len()), Clue::AfterOthers { earlier })
                });
                let implied = others
                    .iter()
                    .filter(|other| {
                        symptom.pillars.iter().any(|up| other.pillars.iter().any(|down| implies(*up, *down)))
                    })
                    .count();
                if implied > 0 {
                    let of = others.len();
                    terms.push((0.5 * ratio(implied, of), Clue::Explains { implied, of }));
                }
            }
        } else if lead.job {
            terms.push((1.5, Clue::FailingJob));
        } else if self.view.graph.is_monitored(node) {
            terms.push((-1.0, Clue::SharedQuiet));
        } else {
            terms.push((1.0, Clue::SharedUnchecked));
        }
        if !lead.observed
            && self.bad_places.len() > 1
            && let (Some(first), Some(of_it)) = (self.first_onset(), covered.iter().map(|symptom| symptom.onset).min())
            && of_it <= first + chrono::Duration::minutes(SLACK_MINUTES)
        {
            terms.push((1.0, Clue::AboveFirst));
        }
        let share = ratio(covered.len(), self.bad_places.len());
        if self.bad_places.len() > 1 {
            terms.push((COVERAGE * share, Clue::Covers { covered: covered.len(), of: self.bad_places.len() }));
        }
        terms.extend(self.history(self.view.graph.name(node), covered.iter().map(|symptom| symptom.onset).min()));
        if !lead.observed {
            let hops = self.below[lead.place];
            terms.push((-0.15 * f64::from(hops), Clue::Away { hops }));
        }
        terms
    }

    /// When the first of all the assets went bad.
    fn first_onset(&self) -> Option<Time> {
        self.bad_places.iter().filter_map(|place| self.bad[*place]).map(|symptom| symptom.onset).min()
    }

    /// What happened to it shortly before, and how often it was the root cause in the past.
    fn history(&self, asset: &str, onset: Option<Time>) -> Vec<Term> {
        let mut terms = Vec::new();
        if let Some(onset) = onset {
            let recent = |change: &Change| {
                change.at <= onset + chrono::Duration::minutes(SLACK_MINUTES)
                    && change.at >= onset - chrono::Duration::hours(RECENT_HOURS)
            };
            let mut changes: Vec<_> = self.evidence.changes(asset).into_iter().filter(recent).collect();
            changes.sort_by_key(|change| (change.what != ChangeKind::RunFailed, std::cmp::Reverse(change.at)));
            if let Some(change) = changes.iter().find(|change| change.what != ChangeKind::Ran) {
                let points = if change.what == ChangeKind::RunFailed { 1.5 } else { 1.0 };
                let text = change.text.clone();
                terms.push((points, Clue::Changed { what: change.what, at: change.at, text }));
            }
        }
        let past = self.evidence.past_roots(asset);
        if past > 0 {
            terms.push((0.25 * ratio(past.min(4), 1), Clue::RootBefore { times: past }));
        }
        terms
    }

    /// The unchecked assets directly above the lead, or between it and the bad assets below it.
    fn not_monitored(&self, bit: usize, place: usize) -> Vec<String> {
        let unknown = |node: NodeId| {
            self.region.place(node).is_some_and(|place| self.bad[place].is_none())
                && !self.view.graph.is_monitored(node)
        };
        let above = self.region.members(place).iter().flat_map(|node| self.view.next(*node, Way::Up));
        let between = self
            .bad_places
            .iter()
            .filter(|bad| **bad != place && self.covered_by[**bad] & (1 << bit) != 0)
            .flat_map(|bad| self.region.members(*bad))
            .flat_map(|node| self.view.next(*node, Way::Up));
        let mut names: Vec<String> = Vec::new();
        for node in above.chain(between).filter(|node| unknown(*node)) {
            let name = self.view.graph.name(node);
            if names.len() < 5 && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}
