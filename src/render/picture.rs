//! FLOOR 1. The picture of an incident's lineage, as SVG and PNG: the assets that a person needs to see, laid out by a library. Broken assets
//! are red, the likeliest root has a ring, consumers are marked. What does not fit is counted below.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};
use rust_sugiyama::configure::Config;
use sha2::{Digest as _, Sha256};
use svg::node::element::{Group, Path, Rectangle, Text, Title, path::Data};

use crate::domain::lineage::walk::Way;
use crate::domain::lineage::{AssetKind, NodeId, View};

/// With more assets than this, nobody could read the picture.
const MAX_NODES: usize = 28;
/// The longest name in a box. The end of a name says more than the beginning.
const MAX_NAME: usize = 34;
/// The width of a letter of the font at its size, in pixels.
const LETTER: f64 = 7.3;
const BOX_HEIGHT: f64 = 42.0;
const MARGIN: f64 = 24.0;

/// The part of an asset in this incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Root,
    Broken,
    /// It is downstream of what is broken.
    Affected,
    /// It is upstream, and nothing is known against it.
    Above,
}

#[derive(Debug, Clone, PartialEq)]
struct Drawn {
    node: NodeId,
    name: String,
    kind: AssetKind,
    role: Role,
    broken: bool,
    monitored: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    title: String,
    nodes: Vec<Drawn>,
    /// From, to, and whether the edge fades.
    edges: Vec<(usize, usize, bool)>,
    folded: usize,
}

impl Drawing {
    /// Chooses what to show: the root and what is broken, the ways between them, what is directly upstream, and downstream first what people
    /// use. `None` if there are only single assets to show.
    pub fn of(view: &View<'_>, title: &str, root: Option<NodeId>, broken: &[NodeId]) -> Option<Self> {
        let graph = view.graph;
        let mut chosen: Vec<NodeId> = Vec::new();
        let mut choose = |node: NodeId| {
            if chosen.len() < MAX_NODES && !chosen.contains(&node) {
                chosen.push(node);
            }
        };
        root.into_iter().for_each(&mut choose);
        broken.iter().take(12).copied().for_each(&mut choose);
        for node in broken.iter().take(12) {
            if let Some(path) = root.and_then(|root| view.path(root, *node)) {
                path.into_iter().take(6).for_each(&mut choose);
            }
        }
        let starts: Vec<_> = root.into_iter().chain(broken.iter().copied()).collect();
        for node in starts.iter().take(4) {
            view.next(*node, Way::Up).take(3).for_each(&mut choose);
        }
        let mut below = view.walk(&starts, Way::Down);
        let all = below.len();
        below.sort_by_key(|met| (!graph.kind(met.node).is_consumer(), graph.tier(met.node), met.hops));
        for met in below.iter().take(10) {
            // The way to it is shown too, so that nobody wonders why it is there.
            let way = starts.iter().filter_map(|start| view.path(*start, met.node)).min_by_key(Vec::len);
            way.into_iter().flatten().for_each(&mut choose);
        }
        below.iter().map(|met| met.node).for_each(&mut choose);
        let affected: BTreeSet<NodeId> = below.iter().map(|met| met.node).collect();
        let nodes: Vec<Drawn> = chosen
            .iter()
            .map(|node| {
                let is_broken = broken.contains(node);
                Drawn {
                    node: *node,
                    name: shown(graph.name(*node)),
                    kind: graph.kind(*node),
                    role: match () {
                        () if Some(*node) == root => Role::Root,
                        () if is_broken => Role::Broken,
                        () if affected.contains(node) => Role::Affected,
                        () => Role::Above,
                    },
                    broken: is_broken,
                    monitored: graph.is_monitored(*node),
                }
            })
            .collect();
        let place: BTreeMap<NodeId, usize> = chosen.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut edges = Vec::new();
        for (from, node) in chosen.iter().enumerate() {
            for link in view.links(*node, Way::Down) {
                if let Some(to) = place.get(&link.node).filter(|to| **to != from) {
                    edges.push((from, *to, view.is_fading(link)));
                }
            }
        }
        let drawn_below = chosen.iter().filter(|node| affected.contains(node)).count();
        (!edges.is_empty()).then(|| Self { title: title.to_owned(), nodes, edges, folded: all - drawn_below.min(all) })
    }

    /// A digest that identifies what it shows.
    pub fn digest(&self) -> String {
        let mut words = self.title.clone();
        for drawn in &self.nodes {
            words.push_str(&format!("\n{} {:?} {} {}", drawn.name, drawn.role, drawn.broken, drawn.kind.as_str()));
        }
        words.push_str(&format!("\n{:?} {}", self.edges, self.folded));
        hex::encode(Sha256::digest(words)).chars().take(16).collect()
    }

    /// In words, for people who cannot see it.
    pub fn words(&self) -> String {
        let of = |role: Role| {
            let names: Vec<_> =
                self.nodes.iter().filter(|drawn| drawn.role == role).map(|drawn| drawn.name.as_str()).collect();
            names.join(", ")
        };
        let parts = [("likeliest root", Role::Root), ("broken", Role::Broken), ("affected", Role::Affected)];
        let parts: Vec<_> = parts
            .into_iter()
            .map(|(what, role)| (what, of(role)))
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {names}"))
            .collect();
        parts.join("; ")
    }

    pub fn svg(&self) -> String {
        let sizes: Vec<(f64, f64)> = self.nodes.iter().map(|drawn| (width(drawn), BOX_HEIGHT)).collect();
        let (places, breadth, height) = self.layout(&sizes);
        let breadth = breadth.max(LETTER * count(&self.title) + 2.0 * MARGIN).max(460.0);
        let mut edges = Group::new().set("fill", "none").set("stroke", "#78909c").set("stroke-width", 1.5);
        for (from, to, fading) in &self.edges {
            let (x1, y1) = (places[*from].0 + sizes[*from].0 / 2.0, places[*from].1);
            let (x2, y2) = (places[*to].0 - sizes[*to].0 / 2.0, places[*to].1);
            let bend = ((x2 - x1).abs() / 2.0).max(20.0);
            let data = Data::new().move_to((x1, y1)).cubic_curve_to((x1 + bend, y1, x2 - bend, y2, x2 - 6.0, y2));
            let mut path = Path::new().set("d", data);
            if *fading {
                path = path.set("stroke-dasharray", "4 4");
            }
            let head =
                Data::new().move_to((x2 - 8.0, y2 - 4.0)).line_to((x2, y2)).line_to((x2 - 8.0, y2 + 4.0)).close();
            edges = edges.add(path).add(Path::new().set("d", head).set("fill", "#78909c").set("stroke", "none"));
        }
        let mut boxes = Group::new();
        for (drawn, ((x, y), (w, h))) in self.nodes.iter().zip(places.iter().zip(&sizes)) {
            boxes = boxes.add(boxed(drawn, x - w / 2.0, y - h / 2.0, *w, *h));
        }
        let foot = (self.folded > 0).then(|| format!("and {} more below; `impact` lists them", self.folded));
        svg::Document::new()
            .set("viewBox", (0, 0, breadth.ceil(), height.ceil()))
            .set("width", breadth.ceil())
            .set("height", height.ceil())
            .set("font-family", "Hack, monospace")
            .set("role", "img")
            .add(Title::new(format!("{}. {}", self.title, self.words())))
            .add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#ffffff"))
            .add(words(&self.title, MARGIN, MARGIN + 6.0, 13, "#263238"))
            .add(edges)
            .add(boxes)
            .add(words(&foot.unwrap_or_default(), MARGIN, height - 12.0, 11, "#546e7a"))
            .to_string()
    }

    /// As a Mermaid flowchart, for Markdown. Tools that know Mermaid draw it. In others, it still shows words.
    pub fn mermaid(&self) -> String {
        // Mermaid's own entities, so that no name can end the quotes, a line or the fence.
        let quoted = |name: &str| -> String {
            name.chars()
                .map(|letter| match letter {
                    '"' | '#' | '<' | '>' | '&' | '`' | ';' => format!("#{};", u32::from(letter)),
                    letter if letter.is_control() => " ".to_owned(),
                    letter => letter.to_string(),
                })
                .collect()
        };
        let mut lines = vec!["flowchart LR".to_owned()];
        for (at, drawn) in self.nodes.iter().enumerate() {
            let (open, close) = if drawn.kind.is_consumer() { ("([", "])") } else { ("[", "]") };
            let class = match drawn.role {
                Role::Root => ":::root",
                Role::Broken => ":::broken",
                Role::Affected | Role::Above => "",
            };
            lines.push(format!("    a{at}{open}\"{}\"{close}{class}", quoted(&drawn.name)));
        }
        for (from, to, fading) in &self.edges {
            lines.push(format!("    a{from} {} a{to}", if *fading { "-.->" } else { "-->" }));
        }
        lines.push("    classDef broken fill:#ffcdd2,stroke:#c62828".to_owned());
        lines.push("    classDef root fill:#ffcdd2,stroke:#c62828,stroke-width:4px".to_owned());
        lines.join("\n")
    }

    /// The centres of the boxes, and the size of the whole. Left to right, as data flows.
    fn layout(&self, sizes: &[(f64, f64)]) -> (Vec<(f64, f64)>, f64, f64) {
        // The library lays out from top to bottom, so height and width are swapped.
        let vertices: Vec<(u32, (f64, f64))> = (0..).zip(sizes.iter().map(|(w, h)| (*h, *w))).collect();
        let edges: Vec<(u32, u32)> = self
            .edges
            .iter()
            .map(|(from, to, _)| (u32::try_from(*from).unwrap_or(0), u32::try_from(*to).unwrap_or(0)))
            .collect();
        let config = Config { vertex_spacing: 24.0, ..Config::default() };
        let mut places = vec![(0.0, 0.0); sizes.len()];
        let (mut right, mut top) = (0.0_f64, MARGIN + 36.0);
        for (layout, ..) in rust_sugiyama::from_vertices_and_edges(&vertices, &edges, &config) {
            let edge = |of: &dyn Fn(usize, f64, f64) -> f64| {
                layout.iter().map(|(at, (y, x))| of(*at, *x, *y)).fold(f64::INFINITY, f64::min)
            };
            // The library's layers run along y, upwards or downwards. Sources belong on the left.
            let up = self.edges.iter().find_map(|(from, to, _)| {
                let of = |wanted: usize| layout.iter().find(|(at, _)| *at == wanted).map(|(_, (_, x))| *x);
                Some(of(*from)? > of(*to)?)
            });
            let sign = if up.unwrap_or(false) { -1.0 } else { 1.0 };
            let left = edge(&|at, x, _| sign * x - sizes[at].0 / 2.0);
            let upper = edge(&|at, _, y| y - sizes[at].1 / 2.0);
            let mut lower = top;
            for (at, (y, x)) in &layout {
                let place = (sign * x - left + MARGIN, y - upper + top);
                right = right.max(place.0 + sizes[*at].0 / 2.0);
                lower = lower.max(place.1 + sizes[*at].1 / 2.0);
                places[*at] = place;
            }
            top = lower + 20.0;
        }
        (places, right + MARGIN, top + MARGIN)
    }

    /// As PNG, at double size, for today's screens.
    ///
    /// # Errors
    /// The picture cannot be drawn. That would be our mistake.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
            let mut fonts = usvg::fontdb::Database::new();
            fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
            fonts.set_monospace_family("Hack");
            Arc::new(fonts)
        });
        let options = usvg::Options { fontdb: FONTS.clone(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&self.svg(), &options).map_err(|error| error.to_string())?;
        let size = tree.size().to_int_size().scale_by(2.0).ok_or("an empty picture")?;
        let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("a picture too large")?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(2.0, 2.0), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| error.to_string())
    }
}

/// A badge: the last part of the asset's name on the left, its state on the right.
pub fn badge(label: &str, words: &str, good: Option<bool>) -> String {
    let (left, right) = (LETTER * count(label) + 16.0, LETTER * count(words) + 16.0);
    let colour = match good {
        Some(true) => "#2e7d32",
        Some(false) => "#c62828",
        None => "#546e7a",
    };
    let part =
        |x: f64, w: f64, fill: &str| Rectangle::new().set("x", x).set("width", w).set("height", 20).set("fill", fill);
    svg::Document::new()
        .set("width", left + right)
        .set("height", 20)
        .set("font-family", "Hack, DejaVu Sans Mono, monospace")
        .set("role", "img")
        .add(Title::new(format!("{label}: {words}")))
        .add(part(0.0, left, "#37474f"))
        .add(part(left, right, colour))
        .add(words_in(label, 8.0))
        .add(words_in(words, left + 8.0))
        .to_string()
}

fn words_in(text: &str, x: f64) -> Text {
    words(text, x, 14.0, 12, "#ffffff")
}

#[expect(clippy::cast_precision_loss, reason = "letters of a line")]
fn count(text: &str) -> f64 {
    text.chars().count() as f64
}

fn width(drawn: &Drawn) -> f64 {
    (count(&drawn.name).max(count(&second_line(drawn))) * LETTER + 24.0).max(90.0)
}

fn shown(name: &str) -> String {
    let count = name.chars().count();
    if count <= MAX_NAME {
        return name.to_owned();
    }
    format!("…{}", name.chars().skip(count - MAX_NAME + 1).collect::<String>())
}

fn second_line(drawn: &Drawn) -> String {
    let state = match (drawn.role, drawn.broken) {
        (Role::Root, true) => " · BROKEN · ROOT?",
        (Role::Root, false) => " · ROOT?",
        (_, true) => " · BROKEN",
        (Role::Above, false) if !drawn.monitored => " · not monitored",
        _ => "",
    };
    format!("{}{state}", drawn.kind.as_str())
}

fn words(text: &str, x: f64, y: f64, size: i32, colour: &str) -> Text {
    Text::new(text).set("x", x).set("y", y).set("font-size", size).set("fill", colour)
}

fn boxed(drawn: &Drawn, x: f64, y: f64, w: f64, h: f64) -> Group {
    let (fill, stroke) = match (drawn.broken, drawn.role) {
        (true, _) => ("#ffcdd2", "#c62828"),
        (false, Role::Root) => ("#ffe0b2", "#e65100"),
        (false, Role::Affected) => ("#fff8e1", "#ff8f00"),
        (false, _) => ("#eceff1", "#90a4ae"),
    };
    // Assets that people use are round.
    let radius = if drawn.kind.is_consumer() { 20 } else { 4 };
    let frame = |grow: f64| {
        Rectangle::new()
            .set("x", x - grow)
            .set("y", y - grow)
            .set("width", w + 2.0 * grow)
            .set("height", h + 2.0 * grow)
            .set("rx", radius)
    };
    let mut body = frame(0.0).set("fill", fill).set("stroke", stroke).set("stroke-width", 1.5);
    if drawn.role == Role::Above && !drawn.monitored {
        body = body.set("stroke-dasharray", "5 3");
    }
    let mut group = Group::new().add(body);
    if drawn.role == Role::Root {
        group = group.add(frame(5.0).set("fill", "none").set("stroke", "#c62828").set("stroke-width", 2.5));
    }
    let below = words(&second_line(drawn), x + 12.0, y + 33.0, 10, "#455a64");
    group.add(words(&drawn.name, x + 12.0, y + 18.0, 12, "#212121")).add(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lineage::{Asset, Facts, Graph, Parent};

    fn asset(name: &str, kind: AssetKind, parents: &[&str]) -> Asset {
        let parents = parents.iter().map(|from| Parent { from: (*from).to_owned(), first: 1, last: 1 }).collect();
        let facts = Facts { kind, parents, ..Facts::default() };
        Asset { facts: [("yaml".to_owned(), facts)].into(), ..Asset::named(name) }
    }

    fn picture(extra: usize) -> Drawing {
        let mut graph = Graph::default();
        graph.put(&asset("raw.orders", AssetKind::Source, &[]));
        graph.put(&asset("stg.orders", AssetKind::Model, &["raw.orders"]));
        graph.put(&asset("marts.orders<&>", AssetKind::Model, &["stg.orders", "raw.fx"]));
        graph.put(&asset("finance dashboard", AssetKind::Dashboard, &["marts.orders<&>"]));
        for n in 0..extra {
            graph.put(&asset(&format!("t{n}"), AssetKind::Table, &["marts.orders<&>"]));
        }
        let find = |name: &str| graph.find(name).expect("there");
        Drawing::of(
            &View::of(&graph),
            "INC-1: orders",
            Some(find("raw.orders")),
            &[find("raw.orders"), find("marts.orders<&>")],
        )
        .expect("a picture")
    }

    #[test]
    fn it_is_valid_and_folds_what_is_too_much() {
        let small = picture(0);
        assert_eq!(
            small.words(),
            "likeliest root: raw.orders; broken: marts.orders<&>; affected: stg.orders, finance dashboard"
        );
        let svg = small.svg();
        assert!(svg.contains("marts.orders&lt;&amp;&gt;") && !svg.contains("more below"), "{svg}");
        assert_eq!(&small.png().expect("drawn")[1..4], b"PNG");
        let large = picture(500);
        assert!(large.nodes.len() <= MAX_NODES);
        assert!(large.svg().contains("and 477 more below"), "{}", large.folded);
        assert_ne!(small.digest(), large.digest());
        assert_eq!(small.digest(), picture(0).digest());
    }

    /// Data flows from left to right. If there is no cycle, no arrow goes backwards.
    #[test]
    fn sources_are_on_the_left() {
        let drawing = picture(3);
        let sizes: Vec<(f64, f64)> = drawing.nodes.iter().map(|drawn| (width(drawn), BOX_HEIGHT)).collect();
        let (places, ..) = drawing.layout(&sizes);
        for (from, to, _) in &drawing.edges {
            assert!(places[*from].0 < places[*to].0);
        }
    }
}
