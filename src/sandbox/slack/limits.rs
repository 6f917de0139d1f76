//! Slack's limits for messages and views. What exceeds one is refused in Slack's way.

use std::collections::BTreeSet;

use serde_json::Value;

const BLOCKS: [&str; 12] = [
    "section",
    "header",
    "divider",
    "image",
    "actions",
    "context",
    "input",
    "file",
    "video",
    "markdown",
    "rich_text",
    "table",
];

fn long(value: &Value, max: usize) -> bool {
    value["text"].as_str().is_some_and(|text| text.chars().count() > max || text.is_empty())
}

/// Whether Slack would take these blocks.
pub(crate) fn blocks(blocks: &Value, max: usize) -> Result<(), &'static str> {
    let Some(list) = blocks.as_array() else {
        return Err("invalid_blocks_format");
    };
    if list.len() > max {
        return Err("invalid_blocks");
    }
    let mut actions = BTreeSet::new();
    for block in list {
        let kind = block["type"].as_str().unwrap_or_default();
        let elements = block["elements"].as_array();
        let bad = match kind {
            "section" => {
                long(&block["text"], 3000)
                    || block["fields"]
                        .as_array()
                        .is_some_and(|fields| fields.len() > 10 || fields.iter().any(|field| long(field, 2000)))
            }
            "header" => long(&block["text"], 150) || block["text"]["type"] != "plain_text",
            "context" => elements.is_none_or(|elements| elements.is_empty() || elements.len() > 10),
            "actions" => elements.is_none_or(|elements| {
                elements.is_empty()
                    || elements.len() > 25
                    || elements.iter().any(|element| {
                        long(&element["text"], 75)
                            || element["value"].as_str().is_some_and(|value| value.chars().count() > 2000)
                            || element["action_id"]
                                .as_str()
                                .is_some_and(|id| id.chars().count() > 255 || !actions.insert(id.to_owned()))
                    })
            }),
            "rich_text" => elements.is_none_or(Vec::is_empty),
            "input" => long(&block["label"], 2000) || !block["element"].is_object(),
            _ => !BLOCKS.contains(&kind),
        };
        if bad {
            return Err("invalid_blocks");
        }
    }
    // This limit is not documented, but others have found it: a message's blocks may hold about 13,000 characters.
    if max == 50 && blocks.to_string().chars().count() > 60_000 {
        return Err("msg_blocks_too_long");
    }
    Ok(())
}

/// Whether Slack would open this view.
pub(crate) fn view(view: &Value) -> Result<(), &'static str> {
    let title_is_bad = |key: &str| view.get(key).is_some_and(|text| long(text, 24));
    if view["type"] != "modal"
        || !view["title"].is_object()
        || ["title", "submit", "close"].into_iter().any(title_is_bad)
    {
        return Err("invalid_arguments");
    }
    if view["private_metadata"].as_str().is_some_and(|text| text.chars().count() > 3000) {
        return Err("invalid_arguments");
    }
    blocks(&view["blocks"], 100).map_err(|_| "invalid_arguments")
}

/// Whether Slack takes a channel's name.
pub(crate) fn channel_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("invalid_name_required");
    }
    if name.chars().count() > 80 {
        return Err("invalid_name_maxlength");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_') {
        return Err("invalid_name_specials");
    }
    if !name.chars().any(|c| c.is_ascii_alphanumeric()) {
        return Err("invalid_name_punctuation");
    }
    Ok(())
}
