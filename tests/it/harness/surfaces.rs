//! Whether a story uses what `docs/slack.md` says that it proves: the verb is typed, the button is pressed, the form is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use muster::sandbox::Sandbox;
use serde_json::Value;

/// A surface of Slack: its kind and its name.
pub type Surface = (String, String);

/// A row of the table of every surface: the surface, and the story that proves it.
pub static LISTED: LazyLock<Vec<(Surface, String)>> = LazyLock::new(|| {
    let page = crate::architecture::read("docs/slack.md");
    let rows = page.lines().filter(|line| line.matches('|').count() == 4 && line.contains("` | `"));
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().trim_matches('`').to_owned());
        let mut cell = || cells.next().unwrap();
        ((cell(), cell()), cell())
    })
    .collect()
});

/// Looks at the end of a bot whether its story used its surfaces. A bot that is followed by another one in the same story is not looked at.
/// The story is the name of the test's thread. With `--test-threads 1` there is none, so nothing is checked.
pub struct Surfaces {
    pub sandbox: Sandbox,
    pub goes_on: bool,
}

impl Drop for Surfaces {
    fn drop(&mut self) {
        if self.goes_on || std::thread::panicking() {
            return;
        }
        let thread = std::thread::current();
        let story = thread.name().and_then(|name| name.rsplit("::").next()).unwrap_or_default();
        let used: BTreeSet<Surface> = self.sandbox.sent().iter().flat_map(|(path, body)| used(path, body)).collect();
        let of_story = LISTED.iter().filter(|(_, of)| of == story).map(|(surface, _)| surface);
        let unused: Vec<_> = of_story.filter(|surface| !used.contains(*surface)).collect();
        assert!(unused.is_empty(), "docs/slack.md says that {story} proves {unused:?}, and it does not use them");
    }
}

/// The surfaces that a request to the bot comes from.
fn used(path: &str, body: &str) -> Vec<Surface> {
    let fields: BTreeMap<String, String> = serde_urlencoded::from_str(body).unwrap_or_default();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |kind: &str, name: String| (kind.to_owned(), name);
    match path {
        "/slack/commands" => muster::chat::verb_of(field("text"), super::start_time())
            .map(|verb| of("command", verb.name().to_owned()))
            .into_iter()
            .collect(),
        "/slack/interactions" => {
            let payload: Value = serde_json::from_str(field("payload")).unwrap_or_default();
            let pressed = word(&payload["actions"][0]["action_id"]);
            vec![match payload["type"].as_str() {
                Some("block_actions") => of("button", pressed.split(':').next().unwrap().to_owned()),
                Some("view_submission") => of("form", word(&payload["view"]["callback_id"])),
                _ => of("shortcut", word(&payload["callback_id"])),
            }]
        }
        "/slack/events" => {
            let event = serde_json::from_str::<Value>(body).unwrap_or_default()["event"].take();
            let kind = word(&event["type"]);
            let name = match event["channel_type"].as_str() {
                Some(of) if kind == "message" => format!("message.{of}s"),
                _ => kind,
            };
            vec![of("event", name), of("reaction", word(&event["reaction"])), of("home", word(&event["tab"]))]
        }
        _ => Vec::new(),
    }
}
