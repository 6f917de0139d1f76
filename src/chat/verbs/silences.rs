//! `silences`: the silences and maintenance windows that hold.

use crate::app::silences::silence_line;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::permission;
use crate::domain::times::stamp;
use crate::render::Rendered;

/// How many silences are shown.
const SHOWN: usize = 40;

pub(crate) static VERB: Verb = Verb {
    words: &["silences"],
    arguments: "",
    help: "which silences there are, and until when",
    parse: |line| line.act(permission::Verb::Read, |chat, _| Box::pin(async move { Ok(said(chat)) })),
};

fn said(chat: &Chat<'_>) -> Reply {
    let (app, now) = (chat.app, chat.app.now());
    let silences = app.silences();
    let silences = silences.iter().take(SHOWN);
    let silences = silences.map(|silence| format!("- {}", silence_line(silence, &app.name(&silence.owner))));
    let windows = app.policy.windows.iter().filter_map(|window| {
        let until = stamp(window.holds(now)?);
        let matcher = window.matcher.to_string().replace('`', "'");
        Some(format!("- Maintenance **{}** `{matcher}` until {until}", window.name))
    });
    let lines: Vec<_> = silences.chain(windows).collect();
    if lines.is_empty() {
        return Reply::words(
            "There is no silence now. `/incident silence warehouse.orders* 2h backfill is running` makes one.",
        );
    }
    Rendered::new(&format!("🔕 **Silences**\n\n{}", lines.join("\n")), &[]).into()
}
