//! Turns Markdown into Block Kit and plain text. Also the escaping that keeps values literal.
//!
//! `person:U…` and `date:SECONDS` are link addresses that become Slack's own elements. Only `http` and `https` become links. The limits are
//! Slack's: 50 blocks, 3,000 characters per text, 150 per header, 75 per button.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde_json::json;
use slack_morphism::prelude::*;

use super::button::Button;

const MAX_BLOCKS: usize = 48;
const MAX_RUN: usize = 2900;
const MAX_HEADER: usize = 150;
/// Slack refuses messages whose blocks hold more than about 13,000 characters.
const MAX_MESSAGE: usize = 10_000;
const MAX_FALLBACK: usize = 3000;

/// Our own sentences may contain `code`. Everything else in them is literal.
pub fn sentence_markdown(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 && !part.is_empty() { format!("`{part}`") } else { keep_spaces(part) })
        .collect()
}

/// [`escape`] trims, but between two pieces of code the spaces matter.
fn keep_spaces(part: &str) -> String {
    let start = if part.starts_with(' ') { " " } else { "" };
    let end = if part.len() > 1 && part.ends_with(' ') { " " } else { "" };
    format!("{start}{}{end}", escape(part))
}

/// Makes any text literal in Markdown, on one line, with as few backslashes as possible, because people also read a post-mortem as Markdown.
/// Invisible characters, and those that change the direction, are left out. So a title cannot show something other than it contains.
pub fn escape(text: &str) -> String {
    let words: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_invisible(*c)).collect();
    let line = words.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(line.len() + line.len() / 8);
    let mut chars = line.chars().peekable();
    let mut before = ' ';
    // A line that begins like a heading, list, quote or rule would become one.
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let numbered = digits > 0 && line[digits..].starts_with(['.', ')']);
    let mut place = 0;
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let special = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '~' => true,
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '&' => after.is_ascii_alphanumeric() || after == '#',
            '#' | '+' | '-' | '=' | '|' | ':' => place == 0,
            '.' | ')' => numbered && place == digits,
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
        before = c;
        place += 1;
    }
    out
}

/// The same as [`escape`], but lines stay lines.
pub(super) fn escape_lines(text: &str) -> String {
    text.lines().map(escape).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\\\n")
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{00AD}')
}

fn parser(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS)
}

#[derive(Default, Clone)]
struct Style {
    bold: u32,
    italic: u32,
    strike: u32,
}

impl Style {
    fn slack(&self, code: bool) -> Option<SlackRichTextStyle> {
        let on = |count: u32| (count > 0).then_some(true);
        (self.bold + self.italic + self.strike > 0 || code).then(|| SlackRichTextStyle {
            bold: on(self.bold),
            italic: on(self.italic),
            strike: on(self.strike),
            code: code.then_some(true),
            ..SlackRichTextStyle::new()
        })
    }
}

/// Collects inline elements into rich-text elements, and those into blocks.
#[derive(Default)]
struct Writer {
    blocks: Vec<SlackBlock>,
    rich: Vec<SlackRichTextElement>,
    inline: Vec<SlackRichTextInlineElement>,
    style: Style,
    link: Option<(String, String)>,
    heading: Option<String>,
    lists: Vec<(SlackRichTextListStyle, Vec<SlackRichTextListElement>)>,
    quote: bool,
    code: Option<String>,
    used: usize,
    cut: bool,
}

impl Writer {
    /// As much of a text as the message still has room for.
    fn fitting(&mut self, text: &str) -> String {
        let room = MAX_MESSAGE.saturating_sub(self.used);
        let fits: String = text.chars().take(room).collect();
        self.cut |= fits.len() < text.len();
        self.used += fits.chars().count();
        fits
    }

    fn text(&mut self, text: &str, code: bool) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
            return;
        }
        if let Some(block) = &mut self.code {
            block.push_str(text);
            return;
        }
        if let Some((_, label)) = &mut self.link {
            label.push_str(text);
            return;
        }
        let text = self.fitting(text);
        let style = self.style.slack(code);
        let mut chars = text.chars().peekable();
        while chars.peek().is_some() {
            let text: String = chars.by_ref().take(MAX_RUN).collect();
            match self.inline.last_mut() {
                Some(SlackRichTextInlineElement::Text(last))
                    if last.style == style && last.text.chars().count() + text.chars().count() <= MAX_RUN =>
                {
                    last.text.push_str(&text);
                }
                _ => {
                    let style = style.clone();
                    self.inline.push(SlackRichTextInlineElement::Text(SlackRichTextText { text, style }));
                }
            }
        }
    }

    fn end_link(&mut self) {
        let Some((address, label)) = self.link.take() else {
            return;
        };
        let style = self.style.slack(false);
        if let Some(person) = address.strip_prefix("person:") {
            self.inline.push(SlackRichTextInlineElement::User(SlackRichTextUser { user_id: person.into(), style }));
        } else if let Some(seconds) = address.strip_prefix("date:").and_then(|seconds| seconds.parse::<i64>().ok()) {
            // The library's date type comes from another crate. The element itself is simple.
            self.inline.push(SlackRichTextInlineElement::Unknown(json!({
                "type": "date", "timestamp": seconds, "format": "{date_short_pretty} {time}", "fallback": label,
            })));
        } else if address.starts_with("https://") || address.starts_with("http://") {
            self.used += label.chars().count();
            let url = SlackRelaxedUrl(address.chars().take(MAX_RUN).collect());
            let text = Some(label.chars().take(MAX_RUN).collect());
            self.inline.push(SlackRichTextInlineElement::Link(SlackRichTextLink { url, text, unsafe_: None, style }));
        } else {
            self.text(&label, false);
        }
    }

    fn end_paragraph(&mut self) {
        // Inside a list item, the end of the item closes it.
        if !self.lists.is_empty() {
            return;
        }
        let elements = std::mem::take(&mut self.inline);
        if elements.is_empty() {
            return;
        }
        self.rich.push(if self.quote {
            SlackRichTextElement::Quote(SlackRichTextQuote { elements, border: None })
        } else {
            SlackRichTextElement::Section(SlackRichTextSection { elements })
        });
    }

    fn end_item(&mut self) {
        let elements = std::mem::take(&mut self.inline);
        if elements.is_empty() {
            return;
        }
        if let Some((_, items)) = self.lists.last_mut() {
            items.push(SlackRichTextListElement::Section(SlackRichTextSection { elements }));
        }
    }

    fn flush_list(&mut self) {
        let indent = self.lists.len().saturating_sub(1) as u64;
        if let Some((style, items)) = self.lists.last_mut() {
            let elements = std::mem::take(items);
            if !elements.is_empty() {
                let (style, indent) = (style.clone(), Some(indent));
                let list = SlackRichTextList { style, elements, indent, offset: None, border: None };
                self.rich.push(SlackRichTextElement::List(list));
            }
        }
    }

    fn flush_rich(&mut self) {
        self.end_paragraph();
        let mut elements = std::mem::take(&mut self.rich);
        // Paragraphs in one block need an empty line between them.
        for index in 1..elements.len() {
            let (before, after) = elements.split_at_mut(index);
            if let (Some(SlackRichTextElement::Section(one)), Some(SlackRichTextElement::Section(_))) =
                (before.last_mut(), after.first())
            {
                one.elements
                    .push(SlackRichTextInlineElement::Text(SlackRichTextText { text: "\n".to_owned(), style: None }));
            }
        }
        if !elements.is_empty() {
            self.blocks.push(SlackBlock::RichText(SlackRichTextBlock { block_id: None, elements }));
        }
    }
}

/// Markdown as blocks, within Slack's limits. What does not fit is left out. Also returns whether all of it is there.
pub(super) fn blocks(markdown: &str) -> (Vec<SlackBlock>, bool) {
    let mut w = Writer::default();
    for event in parser(markdown) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                w.flush_rich();
                // Below the first level, a bold line is easier to read than a large header.
                if level == HeadingLevel::H1 {
                    w.heading = Some(String::new());
                } else {
                    w.style.bold += 1;
                }
            }
            Event::End(TagEnd::Heading(level)) => {
                if level == HeadingLevel::H1 {
                    if let Some(text) = w.heading.take().filter(|text| !text.trim().is_empty()) {
                        let text = cut(&text, MAX_HEADER);
                        w.blocks.push(SlackBlock::Header(SlackHeaderBlock::new(SlackBlockPlainTextOnly::from(text))));
                    }
                } else {
                    w.style.bold = w.style.bold.saturating_sub(1);
                    w.end_paragraph();
                }
            }
            Event::Start(Tag::BlockQuote(_)) => {
                w.end_paragraph();
                w.quote = true;
            }
            Event::End(TagEnd::BlockQuote(_)) => {
                w.end_paragraph();
                w.quote = false;
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented)) => {
                w.end_paragraph();
                w.code = Some(String::new());
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(text) = w.code.take().filter(|text| !text.is_empty()) {
                    let text = w.fitting(text.trim_end());
                    let elements = vec![SlackRichTextInlineElement::Text(SlackRichTextText { text, style: None })];
                    let code = SlackRichTextPreformatted { elements, border: None, language: None };
                    w.rich.push(SlackRichTextElement::Preformatted(code));
                }
            }
            Event::Start(Tag::List(start)) => {
                if w.lists.is_empty() {
                    w.end_paragraph();
                } else {
                    w.end_item();
                    w.flush_list();
                }
                let style =
                    if start.is_some() { SlackRichTextListStyle::Ordered } else { SlackRichTextListStyle::Bullet };
                w.lists.push((style, Vec::new()));
            }
            Event::End(TagEnd::List(_)) => {
                w.flush_list();
                w.lists.pop();
            }
            Event::End(TagEnd::Item) => w.end_item(),
            Event::TaskListMarker(done) => w.text(if done { "☑ " } else { "☐ " }, false),
            Event::Start(Tag::Strong) => w.style.bold += 1,
            Event::End(TagEnd::Strong) => w.style.bold = w.style.bold.saturating_sub(1),
            Event::Start(Tag::Emphasis) => w.style.italic += 1,
            Event::End(TagEnd::Emphasis) => w.style.italic = w.style.italic.saturating_sub(1),
            Event::Start(Tag::Strikethrough) => w.style.strike += 1,
            Event::End(TagEnd::Strikethrough) => w.style.strike = w.style.strike.saturating_sub(1),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                w.link = Some((dest_url.to_string(), String::new()));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => w.end_link(),
            Event::End(TagEnd::Paragraph) => w.end_paragraph(),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => w.text(&text, false),
            Event::Code(text) => w.text(&text, true),
            Event::SoftBreak => w.text(" ", false),
            Event::HardBreak => w.text("\n", false),
            Event::Rule => {
                w.flush_rich();
                w.blocks.push(SlackBlock::Divider(SlackDividerBlock::new()));
            }
            _ => {}
        }
    }
    w.flush_rich();
    let whole = !w.cut && w.blocks.len() <= MAX_BLOCKS;
    w.blocks.truncate(MAX_BLOCKS);
    (w.blocks, whole)
}

/// Buttons, at most 25 per block.
pub(super) fn actions(buttons: &[Button]) -> Vec<SlackBlock> {
    buttons
        .chunks(25)
        .map(|buttons| {
            let elements = buttons
                .iter()
                .map(|button| {
                    let element = SlackBlockButtonElement::new(SlackBlockPlainTextOnly::from(cut(&button.label, 75)));
                    SlackActionBlockElement::Button(SlackBlockButtonElement {
                        action_id: Some(button.action.as_str().into()),
                        value: Some(button.value.clone()),
                        style: match button.style.as_deref() {
                            Some("primary") => Some(SlackBlockButtonStyle::Primary),
                            Some("danger") => Some(SlackBlockButtonStyle::Danger),
                            _ => None,
                        },
                        ..element
                    })
                })
                .collect();
            SlackBlock::Actions(SlackActionsBlock { block_id: None, elements })
        })
        .collect()
}

pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max - 1).collect();
    cut.push('…');
    cut
}

/// Markdown as HTML. HTML in it is shown as text, because our own Markdown has none.
pub fn html(markdown: &str) -> String {
    let events = parser(markdown).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        // Only Slack can follow our links to people and dates. Their words stay.
        Event::Start(Tag::Link { ref dest_url, .. }) if !dest_url.starts_with("http") => Event::Start(Tag::Strong),
        other => other,
    });
    let mut open = Vec::new();
    let events: Vec<_> = events
        .map(|event| match event {
            Event::Start(Tag::Strong) => {
                open.push(TagEnd::Strong);
                Event::Start(Tag::Strong)
            }
            Event::Start(tag @ Tag::Link { .. }) => {
                open.push(TagEnd::Link);
                Event::Start(tag)
            }
            Event::End(TagEnd::Strong | TagEnd::Link) => Event::End(open.pop().unwrap_or(TagEnd::Strong)),
            other => other,
        })
        .collect();
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events.into_iter());
    out
}

/// Markdown as plain text, one line per block.
pub fn plain(markdown: &str) -> String {
    let mut out = String::new();
    let line = |out: &mut String| {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    };
    let mut in_item = false;
    for event in parser(markdown) {
        match event {
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_)) if !in_item => {
                line(&mut out);
            }
            Event::Start(Tag::Item) => {
                line(&mut out);
                out.push_str("• ");
                in_item = true;
            }
            Event::End(TagEnd::Item) => in_item = false,
            Event::TaskListMarker(done) => out.push_str(if done { "☑ " } else { "☐ " }),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push_str(&text);
            }
            Event::SoftBreak => out.push(' '),
            Event::HardBreak => out.push('\n'),
            _ => {}
        }
    }
    out.trim_end().to_owned()
}

/// The top-level `text`: plain, with Slack's three special characters escaped, so that it cannot ping anybody either.
pub(super) fn fallback(markdown: &str) -> String {
    cut(&plain(markdown), MAX_FALLBACK).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every text element of the blocks, one after another.
    fn words(blocks: &[SlackBlock]) -> String {
        fn collect(value: &serde_json::Value, out: &mut String) {
            match value {
                serde_json::Value::Object(map) => {
                    if map.get("type").and_then(|kind| kind.as_str()) == Some("text")
                        && let Some(text) = map.get("text").and_then(|text| text.as_str())
                    {
                        out.push_str(text);
                    }
                    map.values().for_each(|value| collect(value, out));
                }
                serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, out)),
                _ => {}
            }
        }
        let mut out = String::new();
        collect(&serde_json::to_value(blocks).expect("blocks are JSON"), &mut out);
        out
    }

    proptest! {
        /// Whatever a monitor writes, people read it literally, and it is only text.
        #[test]
        fn an_escaped_value_is_only_text(value in "\\PC{1,80}") {
            let (blocks, _) = blocks(&format!("**{}**", escape(&value)));
            let expected: String = value.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !is_invisible(*c)).collect();
            let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
            let json = serde_json::to_string(&blocks).expect("blocks are JSON");
            for kind in ["\"link\"", "\"user\"", "\"broadcast\"", "\"usergroup\"", "\"emoji\"", "\"channel\""] {
                let tagged = format!("\"type\":{kind}");
                prop_assert!(!json.contains(&tagged), "{json}");
            }
            let words = words(&blocks);
            prop_assert_eq!(words.trim_matches('*').replace(' ', ""), expected.trim_matches('*').replace(' ', ""));
        }

        #[test]
        fn no_text_breaks_a_limit(text in "\\PC{0,4000}") {
            let (blocks, whole) = blocks(&format!("# {0}\n\n{0}\n\n- {0}\n", escape(&text)));
            prop_assert!(whole, "two long texts fit");
            let json = serde_json::to_value(&blocks).expect("blocks are JSON");
            prop_assert!(blocks.len() <= 50);
            for block in json.as_array().into_iter().flatten() {
                let block: Result<slackblocks::Block, _> = serde_json::from_value(block.clone());
                prop_assert!(block.is_ok(), "{:?}", block.err());
            }
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<!channel> <@U1> <https://evil|Ack> *b* `c` [x](https://evil) {{x}} &amp; \u{202E}gpj";
        let (blocks, _) = blocks(&format!("Alert: {}", escape(hostile)));
        let json = serde_json::to_string(&blocks).expect("blocks are JSON");
        assert!(!json.contains("broadcast") && !json.contains("\"link\"") && !json.contains("\"user\""), "{json}");
        assert_eq!(
            words(&blocks),
            "Alert: <!channel> <@U1> <https://evil|Ack> *b* `c` [x](https://evil) {{x}} &amp; gpj"
        );
        assert_eq!(fallback(&escape("<!here>")), "&lt;!here&gt;");
    }

    #[test]
    fn people_and_dates_become_slacks_own() {
        let (blocks, _) = blocks(
            "[Ana](person:U1) at [06:18 UTC](date:1763878680), [run](https://example.com/r) and [x](javascript:alert)",
        );
        insta::assert_snapshot!(serde_json::to_string(&blocks).expect("blocks are JSON"));
    }

    #[test]
    fn lists_nest_and_tick() {
        let (blocks, _) =
            blocks("# Head\n\nIntro\n\n- [x] done\n- [ ] open\n  - inner\n\n> quoted\n\n```\ncode\n```\n");
        insta::assert_snapshot!(serde_json::to_string_pretty(&blocks).expect("blocks are JSON"));
    }
}
