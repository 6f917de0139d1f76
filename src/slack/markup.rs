//! Turns Slack's marks (`&amp;`, `<https://…|label>`, `<@U…>`) back into what people wrote. `render` does the
//! opposite.

/// The words without entities and links. Mentions of people, channels and groups stay, because some callers need their ids. Source:
/// Slack's reference on formatting text, "Escaping text" and "Parsing".
pub fn plain(text: &str) -> String {
    let linked = each_mark(text, |mark| {
        let (target, label) = mark.split_once('|').map_or((mark, None), |(target, label)| (target, Some(label)));
        if !["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| target.starts_with(scheme)) {
            return None;
        }
        let address = target.trim_start_matches("mailto:").trim_start_matches("tel:");
        let bare = address.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        // If Slack made the link by itself, keep what the person wrote: `app.user.id` is not an address.
        Some(match label {
            Some(label) if label.trim_end_matches('/') == bare || label == address => label.to_owned(),
            Some(label) => format!("{label} ({address})"),
            None => address.to_owned(),
        })
    });
    linked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The words with mentions as people read them.
pub fn named(text: &str, name: &dyn Fn(&str) -> String) -> String {
    each_mark(text, |mark| {
        let (target, label) = mark.split_once('|').map_or((mark, None), |(target, label)| (target, Some(label)));
        if let Some(id) = target.strip_prefix('@') {
            return Some(format!("@{}", name(id)));
        }
        if let Some(id) = target.strip_prefix('#') {
            return Some(format!("#{}", label.filter(|label| !label.is_empty()).unwrap_or(id)));
        }
        // A group, a date, or everybody in a place.
        let special = target.strip_prefix('!')?;
        Some(label.map_or_else(|| format!("@{}", special.split('^').next().unwrap_or(special)), str::to_owned))
    })
}

/// Replaces what is in angle brackets, if there is a replacement.
fn each_mark(text: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        said.push_str(&rest[..start]);
        rest = &rest[start..];
        let mark = rest[1..].find(['>', '<']).filter(|end| rest[1 + end..].starts_with('>')).map(|end| &rest[1..=end]);
        match mark.filter(|mark| !mark.is_empty()).and_then(|mark| Some((mark.len(), replace(mark)?))) {
            Some((length, instead)) => {
                said.push_str(&instead);
                rest = &rest[length + 2..];
            }
            None => {
                said.push('<');
                rest = &rest[1..];
            }
        }
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_read_what_people_wrote() {
        for (sent, read) in [
            ("R&amp;D rows &lt;5", "R&D rows <5"),
            (
                "see <https://grafana/x> and <https://grafana/y|the graph>",
                "see https://grafana/x and the graph (https://grafana/y)",
            ),
            ("<http://app.user.id|app.user.id>", "app.user.id"),
            ("<mailto:ana@example.com|ana@example.com>", "ana@example.com"),
            ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
            ("ask <@U1|ana>", "ask <@U1|ana>"),
            ("a < b > c <", "a < b > c <"),
        ] {
            assert_eq!(plain(sent), read);
        }
        let name = |id: &str| if id == "U1" { "Ana".to_owned() } else { id.to_owned() };
        for (sent, read) in [
            ("ask <@U1|ana> or <@U2>", "ask @Ana or @U2"),
            ("in <#C1|data> or <#C2>", "in #data or #C2"),
            ("<!here> <!subteam^S1|@data> <!date^1^{date}|noon>", "@here @data noon"),
            ("1 < 2 > 0 <>", "1 < 2 > 0 <>"),
        ] {
            assert_eq!(named(sent, &name), read);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[<>|@#!&;a-zé ]{0,60}") {
            let _ = named(&plain(&text), &|id| id.to_owned());
        }
    }
}
