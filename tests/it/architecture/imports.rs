//! Which file of a crate imports which: `use` declarations and written-out paths, followed to the file that defines the item.
//!
//! A `mod.rs` that only declares and re-exports is transparent: who imports through it imports the file behind it. Methods and
//! macros are not followed, and `mod tests` is no part of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

/// The segments of a path, and the path of a module: `domain`, `decide`. The crate itself has none.
type Path = Vec<String>;

/// The files of a crate by the paths of their modules.
pub struct Tree(BTreeMap<Path, Source>);

/// What is read of one file.
#[derive(Default)]
struct Source {
    /// Where it is, below `src/`.
    file: String,
    /// What `use` brings, under the name that it has here, and whether it is only handed on.
    uses: Vec<(String, Path, bool)>,
    /// The paths that are written out, and every name by itself.
    paths: BTreeSet<Path>,
    /// Whether there is anything but `mod` and `use`; a `use` of a file without more is for those below it.
    has_code: bool,
}

impl Tree {
    /// Of files below `src/`, by name and text.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let module = |file: &str| -> Path {
            let mut path: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
                path.pop();
            }
            path
        };
        Self(files.into_iter().map(|(file, text)| (module(file), Source::read(file, text))).collect())
    }

    /// Which file imports which.
    pub fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut graph = BTreeMap::new();
        for (module, source) in self.0.iter().filter(|(_, source)| source.has_code) {
            let handed_on = |name: &str| !source.paths.iter().any(|path| path[0] == name);
            let used = source.uses.iter().filter(|(name, _, is_public)| !is_public || !handed_on(name));
            let mut found = BTreeSet::new();
            let written = source.paths.iter().filter(|path| path.len() > 1);
            for path in used.map(|(_, path, _)| path).chain(written) {
                self.follow(module, path, 0, &mut found);
            }
            let files = found.into_iter().map(|module| &self.0[module]).filter(|source| source.has_code);
            graph.insert(&*source.file, files.map(|of| &*of.file).filter(|file| *file != source.file).collect());
        }
        graph
    }

    /// Finds the modules that define what a path names in a module: two, where a function is called as a module is.
    fn follow<'a>(&'a self, from: &'a Path, path: &[String], depth: usize, found: &mut BTreeSet<&'a Path>) {
        assert!(depth < 20, "{path:?} of {from:?} leads to itself");
        let child = |at: &[String], name: &String| {
            let path: Path = at.iter().chain([name]).cloned().collect();
            self.0.get_key_value(&path).map(|(path, _)| path)
        };
        let mut at: &[String] = from;
        let mut rest = path;
        let mut is_first = true;
        while let Some((name, behind)) = rest.split_first() {
            match name.as_str() {
                "crate" if is_first => at = &[],
                "self" => {}
                "super" => at = &at[..at.len().saturating_sub(1)],
                _ => {
                    let below = child(at, name);
                    let uses = self.0.get(at).map(|source| &*source.uses).unwrap_or_default();
                    // A module goes before a name, save at the end of a path, where both are meant.
                    let import = uses.iter().find(|(known, ..)| known == name).map(|(_, path, _)| path);
                    let import = import.filter(|path| !is_first || path[0] != *name);
                    if let Some(import) = import.filter(|_| below.is_none() || (behind.is_empty() && !is_first)) {
                        let (at, _) = self.0.get_key_value(at).expect("it was there");
                        let whole: Path = import.iter().chain(behind).cloned().collect();
                        self.follow(at, &whole, depth + 1, found);
                    }
                    match (below, import) {
                        (Some(below), _) => at = below,
                        (None, Some(_)) => return,
                        // Of another crate, or local.
                        (None, None) if is_first => return,
                        (None, None) => break,
                    }
                }
            }
            is_first = false;
            rest = behind;
        }
        if let Some((module, _)) = self.0.get_key_value(at) {
            found.insert(module);
        }
    }

    /// The circles: files each of which imports, over others, all the others.
    pub fn circles(&self) -> Vec<BTreeSet<&str>> {
        let graph = self.imports();
        let mut reached = BTreeMap::new();
        for from in graph.keys().copied() {
            let (mut met, mut next) = (BTreeSet::new(), vec![from]);
            while let Some(file) = next.pop() {
                next.extend(graph.get(file).into_iter().flatten().filter(|file| met.insert(**file)));
            }
            reached.insert(from, met);
        }
        let mut circles = BTreeSet::new();
        for (file, met) in reached.iter().filter(|(file, met)| met.contains(*file)) {
            circles.insert(met.iter().copied().filter(|other| reached[other].contains(file)).collect());
        }
        circles.into_iter().collect()
    }
}

impl Source {
    fn read(file: &str, text: &str) -> Self {
        let mut source = Self { file: file.to_owned(), ..Self::default() };
        source.block(&tokens(text), 0);
        source
    }

    /// Reads what stands in a file, or in a module `depth` deep in it.
    fn block(&mut self, tokens: &[String], depth: usize) {
        let mut i = 0;
        let mut is_public = false;
        while let Some(token) = tokens.get(i) {
            let next = |n: usize| tokens.get(i + n).map_or("", String::as_str);
            match (token.as_str(), next(1), next(2)) {
                ("#", "[", _) => {
                    let end = close(tokens, i + 1);
                    let is_test = tokens[i + 2..end].concat() == "cfg(test)";
                    i = if is_test { end_of_item(tokens, end + 1) } else { end + 1 };
                    continue;
                }
                ("#", "!", "[") => {
                    i = close(tokens, i + 2) + 1;
                    continue;
                }
                ("pub", "(", _) => {
                    is_public = true;
                    i = close(tokens, i + 1) + 1;
                    continue;
                }
                ("pub", ..) => {
                    is_public = true;
                    i += 1;
                    continue;
                }
                ("mod", _, ";") => i += 3,
                ("mod", _, "{") => {
                    let end = close(tokens, i + 2);
                    self.block(&tokens[i + 3..end], depth + 1);
                    i = end + 1;
                }
                ("use", ..) => {
                    let end = i + tokens[i..].iter().position(|token| token == ";").expect("a use ends");
                    self.tree(&[], &tokens[i + 1..end], depth, is_public);
                    i = end + 1;
                }
                _ => {
                    self.has_code = true;
                    i += self.path(&tokens[i..], depth);
                }
            }
            is_public = false;
        }
    }

    /// Reads one tree of a `use`.
    fn tree(&mut self, above: &[String], tokens: &[String], depth: usize, is_public: bool) {
        let mut path = above.to_vec();
        for (i, token) in tokens.iter().enumerate() {
            match token.as_str() {
                "::" => {}
                "{" => {
                    let (mut nested, mut begin) = (0, i + 1);
                    for (at, token) in tokens.iter().enumerate().skip(i + 1) {
                        match token.as_str() {
                            "{" => nested += 1,
                            "," if nested == 0 => {
                                self.tree(&path, &tokens[begin..at], depth, is_public);
                                begin = at + 1;
                            }
                            "}" if nested > 0 => nested -= 1,
                            "}" => self.tree(&path, &tokens[begin..at], depth, is_public),
                            _ => {}
                        }
                    }
                    return;
                }
                "as" => {
                    self.take(tokens[i + 1].clone(), path, depth, is_public);
                    return;
                }
                name => path.push(name.to_owned()),
            }
        }
        if tokens.is_empty() {
            return;
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = path.last().cloned().unwrap_or_default();
        self.take(name, path, depth, is_public);
    }

    fn take(&mut self, name: String, path: Path, depth: usize, is_public: bool) {
        let ours = ["crate", "super", "self"].contains(&path[0].as_str());
        assert!(!(ours && name == "*"), "{}: nobody can follow {}", self.file, path.join("::"));
        if let Some(path) = outside(path, depth) {
            self.uses.push((name, path, is_public));
        }
    }

    /// Reads the path that begins here, or one name; how many tokens that are.
    fn path(&mut self, tokens: &[String], depth: usize) -> usize {
        let is_name = |token: &String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !is_name(&tokens[0]) {
            return 1;
        }
        let mut path = vec![tokens[0].clone()];
        let mut rest = &tokens[1..];
        while let [colons, name, ..] = rest
            && colons == "::"
            && is_name(name)
        {
            path.push(name.clone());
            rest = &rest[2..];
        }
        let read = tokens.len() - rest.len();
        self.paths.extend(outside(path, depth));
        read
    }
}

/// A path as it is read outside of the modules that are written out in the file.
fn outside(path: Path, depth: usize) -> Option<Path> {
    let up = path.iter().take_while(|segment| *segment == "super").count();
    match depth {
        0 => Some(path),
        _ if path[0] == "crate" => Some(path),
        _ if up == 0 => None,
        _ => Some(["self".to_owned()].into_iter().chain(path.into_iter().skip(depth.min(up))).collect()),
    }
}

/// Where the bracket closes that opens here.
fn close(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    panic!("a bracket is not closed: {:?}", &tokens[open..tokens.len().min(open + 10)])
}

/// What comes after the item that begins here.
fn end_of_item(tokens: &[String], from: usize) -> usize {
    let end = from + tokens[from..].iter().position(|token| token == ";" || token == "{").expect("an item ends");
    if tokens[end] == "{" { close(tokens, end) + 1 } else { end + 1 }
}

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let hidden = r##"//[^\n]*|/\*.*?\*/|b?r#".*?"#|b?r"[^"]*"|b?"(?:\\.|[^"\\])*""##;
    let small = r"b?'(?:\\u\{\w+\}|\\x\w\w|\\.|[^\\'])'|'\w+|[0-9]\w*(?:\.[0-9]\w*)*";
    let token = r"(?:r#)?([\p{L}_]\w*|::|\S)";
    Regex::new(&format!("(?s){hidden}|{small}|{token}")).unwrap()
});

/// Names, `::`, and every other sign by itself; no comments, no texts, no numbers.
fn tokens(text: &str) -> Vec<String> {
    TOKEN.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
}

mod tests {
    use super::*;

    fn imports(files: &[(&str, &str)], of: &str) -> Vec<String> {
        let tree = Tree::of(files.iter().copied());
        tree.imports()[of].iter().map(|file| (*file).to_owned()).collect()
    }

    const MOD: (&str, &str) =
        ("a/mod.rs", "//! Says.\npub mod x;\nmod y;\npub use x::{X, f as x};\npub use y::Y as Z;\n");

    #[test]
    fn a_use_is_followed_through_what_only_hands_on() {
        let x = ("a/x.rs", "pub struct X; fn f() {}");
        let y = ("a/y.rs", "use super::{X as Q, x::{self}}; pub struct Y;");
        for (text, wanted) in [
            ("use crate::a::X;", vec!["a/x.rs"]),
            ("use crate::{a::{Z, x}, b};", vec!["a/x.rs", "a/y.rs"]),
            ("use crate::a; fn f() { a::Z::new() }", vec!["a/y.rs"]),
            ("fn f(x: &crate::a::Z<u8>) -> r#type::X {}", vec!["a/y.rs"]),
            ("use std::a::X; use a::X; fn f() { X::of(Y) }", vec![]),
            (
                "// use crate::a::X;\n/* crate::a::X */ const A: &str = \"crate::a::X\"; const B: &str = r#\"crate::a::X \"\"#;",
                vec![],
            ),
            ("fn f<'a>(_: &'a str) -> char { '\"' } type A = crate::a::X; const C: char = '\"';", vec!["a/x.rs"]),
            ("#[cfg(test)]\nmod tests { use crate::a::X; }", vec![]),
            ("mod inner { use super::super::a::X; mod deep { fn f() { super::super::Y } } }", vec!["a/x.rs"]),
        ] {
            let b = format!("{text} struct B;");
            assert_eq!(imports(&[MOD, x, y, ("b.rs", &b)], "b.rs"), wanted, "{text}");
        }
        assert_eq!(imports(&[MOD, x, y], "a/y.rs"), ["a/x.rs"]);
    }

    #[test]
    #[should_panic(expected = "nobody can follow crate::a::*")]
    fn a_star_is_refused() {
        Tree::of([("b.rs", "use crate::a::*;")]);
    }

    #[test]
    fn a_mod_rs_with_code_is_a_file_and_what_it_only_hands_on_is_no_import() {
        let x = ("a/x.rs", "use super::T; use super::Y; struct X;");
        let y = ("a/y.rs", "struct Y;");
        let hands_on = ("a/mod.rs", "mod x; mod y; pub use x::X; pub use y::Y; type T = u8;");
        assert_eq!(imports(&[hands_on, x, y], "a/mod.rs"), Vec::<String>::new());
        assert_eq!(imports(&[hands_on, x, y], "a/x.rs"), ["a/mod.rs", "a/y.rs"]);
        assert!(Tree::of([hands_on, x, y]).circles().is_empty());
        let uses = ("a/mod.rs", "mod x; mod y; pub use x::X; pub use y::Y; type T = X;");
        assert_eq!(Tree::of([uses, x, y]).circles(), [BTreeSet::from(["a/mod.rs", "a/x.rs"])]);
    }

    #[test]
    fn a_function_called_as_its_module_is_found_where_it_is() {
        let files = [
            ("a/mod.rs", "pub mod go; pub use go::go;"),
            ("a/go/mod.rs", "mod on; pub use on::go;"),
            ("a/go/on.rs", "pub fn go() {}"),
            ("b.rs", "use crate::a::go; use crate::a::go::go as twice; fn f() {}"),
        ];
        assert_eq!(imports(&files, "b.rs"), ["a/go/on.rs"]);
    }

    #[test]
    fn every_circle_is_found_by_itself() {
        let files = [
            ("a.rs", "struct A(crate::b::B);"),
            ("b.rs", "use super::c::C; struct B;"),
            ("c.rs", "type C = (crate::a::A, crate::d::D);"),
            ("d.rs", "type D = crate::e::E;"),
            ("e.rs", "type E = crate::d::D;"),
            ("lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f; fn main() { a::A }"),
            ("f.rs", "use crate::a::A; struct F;"),
        ];
        let tree = Tree::of(files);
        assert_eq!(tree.circles(), [BTreeSet::from(["a.rs", "b.rs", "c.rs"]), BTreeSet::from(["d.rs", "e.rs"])]);
    }
}
