//! Blocks as people read them, and whom they would notify.

use serde_json::Value;

/// The words of blocks, one line for each block.
pub(crate) fn blocks(blocks: &Value, name: &dyn Fn(&str) -> String) -> String {
    blocks
        .as_array()
        .into_iter()
        .flatten()
        .map(|block| one(block, name))
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn one(block: &Value, name: &dyn Fn(&str) -> String) -> String {
    let text = |value: &Value| match value["type"].as_str() {
        Some("mrkdwn") => mrkdwn(value["text"].as_str().unwrap_or_default(), name),
        _ => value["text"].as_str().unwrap_or_default().to_owned(),
    };
    match block["type"].as_str().unwrap_or_default() {
        "header" => format!("== {} ==", text(&block["text"])),
        "section" => text(&block["text"]),
        "context" => block["elements"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(" "),
        "divider" => "---".to_owned(),
        "rich_text" => block["elements"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|element| rich(element, name))
            .collect::<Vec<_>>()
            .join("\n")
            .trim_end()
            .to_owned(),
        _ => String::new(),
    }
}

fn rich(element: &Value, name: &dyn Fn(&str) -> String) -> String {
    let elements = || element["elements"].as_array().into_iter().flatten();
    let inner = || elements().map(|element| rich(element, name)).collect::<String>();
    match element["type"].as_str().unwrap_or_default() {
        "rich_text_section" => inner().trim_end_matches('\n').to_owned(),
        "rich_text_quote" => format!("> {}", inner().replace('\n', "\n> ")),
        "rich_text_preformatted" => inner(),
        "rich_text_list" => {
            let indent = "  ".repeat(element["indent"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0));
            elements().map(|item| format!("{indent}• {}", rich(item, name))).collect::<Vec<_>>().join("\n")
        }
        "text" => element["text"].as_str().unwrap_or_default().to_owned(),
        "link" => element["text"].as_str().or(element["url"].as_str()).unwrap_or_default().to_owned(),
        "user" => name(element["user_id"].as_str().unwrap_or_default()),
        "channel" => format!("#{}", element["channel_id"].as_str().unwrap_or_default()),
        "broadcast" => format!("@{}", element["range"].as_str().unwrap_or_default()),
        "date" => element["fallback"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// Slack's own markup as people read it.
pub(crate) fn mrkdwn(text: &str, name: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        let inside = &rest[start + 1..start + end];
        let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
        match (target.strip_prefix('@'), target.strip_prefix('!')) {
            (Some(user), _) => out.push_str(&name(user)),
            (_, Some(special)) => out.push_str(label.unwrap_or(&format!("@{special}"))),
            _ => out.push_str(label.unwrap_or(target)),
        }
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Everyone a message would notify: people, groups, broadcasts.
pub(crate) fn mentions(message: &Value) -> Vec<String> {
    let mut found = Vec::new();
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let get = |key: &str| map.get(key).and_then(Value::as_str);
                match get("type") {
                    Some("user") => found.extend(get("user_id").map(str::to_owned)),
                    Some("usergroup") => found.extend(get("usergroup_id").map(str::to_owned)),
                    Some("broadcast") => found.extend(get("range").map(str::to_owned)),
                    Some("mrkdwn") => in_markup(get("text").unwrap_or_default(), found),
                    _ => {}
                }
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    fn in_markup(text: &str, found: &mut Vec<String>) {
        for piece in text.split('<').skip(1) {
            let target = piece.split(['|', '>']).next().unwrap_or_default();
            if let Some(target) = target.strip_prefix(['@', '!']) {
                found.push(target.to_owned());
            }
        }
    }
    walk(&message["blocks"], &mut found);
    in_markup(message["text"].as_str().unwrap_or_default(), &mut found);
    found
}
