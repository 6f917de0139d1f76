//! The templates. They are embedded at build. A folder of the operator's can replace them file by file. All are parsed at start.

use std::collections::BTreeMap;
use std::path::Path;

use handlebars::template::{Parameter, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason, Template,
};
use rust_embed::RustEmbed;
use serde::Serialize;
use thiserror::Error;

use super::markdown::{cut, escape, escape_lines};
use crate::domain::{self, Time, times};

/// The longest text in a line of a list, in characters.
pub(super) const MAX_SHORT: usize = 200;

#[derive(RustEmbed)]
#[folder = "message-templates/"]
pub(super) struct Shipped;

/// A template that cannot be used.
#[derive(Debug, Error)]
#[error("{file}{}: {what}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TemplateError {
    pub file: String,
    /// The line, if the parser knows it.
    pub line: Option<usize>,
    pub what: String,
}

/// The file of the timeline's lines. Each event has a block, which is a template itself. They make plain text, which other templates show.
pub(super) const LINES: &str = "timeline_lines";
/// The block of a corrected line.
const CORRECTED: &str = "corrected";

pub struct Templates {
    /// The templates that make Markdown.
    pub(super) handlebars: Handlebars<'static>,
    /// The timeline's lines by event. The shipped ones are also under `shipped/`.
    pub(super) lines: Handlebars<'static>,
    sources: BTreeMap<String, String>,
}

impl Templates {
    /// Loads the shipped templates, and those of a folder, which replace them.
    ///
    /// # Errors
    /// The first file that cannot be read or parsed, or that replaces nothing.
    pub fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut handlebars = Handlebars::new();
        handlebars.set_strict_mode(true);
        handlebars.register_escape_fn(escape);
        handlebars.register_helper("person", Box::new(Words(person)));
        handlebars.register_helper("time", Box::new(Words(time)));
        handlebars.register_helper("prose", Box::new(Words(prose)));
        handlebars.register_helper("short", Box::new(Words(short)));
        handlebars.register_helper("link", Box::new(Words(link)));
        handlebars.register_helper("code", Box::new(Words(code)));
        handlebars.register_helper("capital", Box::new(Words(capital)));
        handlebars.register_helper("counted", Box::new(Words(counted)));
        handlebars.register_helper("target_name", Box::new(Words(target_name)));
        handlebars.register_helper("ended", Box::new(Words(ended)));
        let mut lines = Handlebars::new();
        lines.set_strict_mode(true);
        lines.register_escape_fn(handlebars::no_escape);
        lines.register_helper("person", Box::new(Words(name)));
        lines.register_helper("time", Box::new(Words(|h| Ok(times::stamp(time_of(h)?)))));
        lines.register_helper("clock", Box::new(Words(|h| Ok(times::clock(time_of(h)?)))));
        lines.register_helper("counted", Box::new(Words(counted)));
        lines.register_helper("target_name", Box::new(Words(|h| Ok(named(&text_of(h, 0)).to_owned()))));
        // These lines are plain text, which needs no other form.
        for name in ["prose", "short", "code"] {
            lines.register_helper(name, Box::new(Words(|h| Ok(text_of(h, 0)))));
        }
        let mut templates = Self { handlebars, lines, sources: BTreeMap::new() };
        for file in Shipped::iter().filter(|file| file.ends_with(".hbs")) {
            if let Some(content) = Shipped::get(&file) {
                templates.add(&file, &String::from_utf8_lossy(&content.data), "shipped")?;
            }
        }
        if let Some(folder) = folder {
            templates.add_folder(folder)?;
        }
        Ok(templates)
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), TemplateError> {
        let wrong = |file: &Path, what: String| TemplateError { file: file.display().to_string(), line: None, what };
        let entries = std::fs::read_dir(folder).map_err(|error| wrong(folder, format!("cannot be read: {error}")))?;
        for entry in entries.flatten().filter(|entry| entry.path().extension().is_some_and(|ending| ending == "hbs")) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if Shipped::get(&name).is_none() {
                return Err(wrong(
                    &path,
                    "replaces no template of Muster; see `message-templates/` for their names".to_owned(),
                ));
            }
            let text =
                std::fs::read_to_string(&path).map_err(|error| wrong(&path, format!("cannot be read: {error}")))?;
            self.add(&name, &text, &path.display().to_string())?;
        }
        Ok(())
    }

    fn add(&mut self, file: &str, text: &str, source: &str) -> Result<(), TemplateError> {
        let name = file.trim_end_matches(".hbs");
        let shipped = source == "shipped";
        let template = Template::compile_with_name(text, name.to_owned());
        let wrong = |line, what| TemplateError {
            file: if shipped { format!("message-templates/{file}") } else { source.to_owned() },
            line,
            what,
        };
        let template =
            template.map_err(|error| wrong(error.pos().map(|(line, _)| line), error.reason().to_string()))?;
        if name == LINES {
            self.add_lines(template, shipped).map_err(|what| wrong(None, what))?;
        } else {
            self.handlebars.register_template(name, template);
        }
        self.sources.insert(name.to_owned(), source.to_owned());
        Ok(())
    }

    fn add_lines(&mut self, file: Template, shipped: bool) -> Result<(), String> {
        for element in file.elements {
            let block = match element {
                TemplateElement::DecoratorBlock(block) => *block,
                TemplateElement::Comment(_) => continue,
                TemplateElement::RawString(text) if text.trim().is_empty() => continue,
                _ => return Err("has words outside of its blocks, `{{#*inline \"event\"}} … {{/inline}}`".to_owned()),
            };
            let (Some(Parameter::Literal(of)), Some(words)) = (block.params.first(), block.template) else {
                return Err("has a block of no event".to_owned());
            };
            let of = of.as_str().unwrap_or_default();
            let as_shipped = format!("shipped/{of}");
            if shipped {
                self.lines.register_template(&as_shipped, words.clone());
            } else if !self.lines.has_template(&as_shipped) {
                return Err(format!("has a block “{of}”, which replaces none of Muster's"));
            }
            self.lines.register_template(of, words);
        }
        Ok(())
    }

    /// Whether there is a template of this name.
    pub fn has(&self, name: &str) -> bool {
        self.handlebars.has_template(name)
    }

    /// Every template, and the file it came from.
    pub fn sources(&self) -> &BTreeMap<String, String> {
        &self.sources
    }

    /// Renders a view by a template, as Markdown. If an operator's template fails on this view, the failure is logged and the shipped template
    /// is used: an incident must never wait for a template.
    pub fn render(&self, name: &str, view: &impl Serialize) -> String {
        self.handlebars.render(name, view).unwrap_or_else(|error| {
            tracing::error!(template = name, %error, "a message template failed; the shipped one is used");
            self.as_shipped(name, view).unwrap_or_else(|| {
                format!(
                    "Something happened ({}), and the template for it failed. The timeline has it: `/incident show`.",
                    escape(name)
                )
            })
        })
    }

    /// The words of a template as plain text, for what shows no Markdown.
    pub fn words(&self, name: &str, view: &impl Serialize) -> String {
        super::plain(&self.render(name, view)).trim().to_owned()
    }

    /// A line of the timeline, as plain text. If an operator's block fails, the shipped one is used.
    pub(super) fn line(&self, event: &str, view: &impl Serialize, corrected: bool) -> String {
        let line = self.said(event, view);
        if corrected { self.said(CORRECTED, &serde_json::json!({"line": line})) } else { line }
    }

    fn said(&self, block: &str, view: &impl Serialize) -> String {
        let said = self.lines.render(block, view).or_else(|error| {
            tracing::error!(template = LINES, block, %error, "a message template failed; the shipped one is used");
            self.lines.render(&format!("shipped/{block}"), view)
        });
        let said = said.unwrap_or_else(|_| block.to_owned());
        said.trim_end_matches(['\r', '\n']).to_owned()
    }

    fn as_shipped(&self, name: &str, view: &impl Serialize) -> Option<String> {
        let shipped = Shipped::get(&format!("{name}.hbs"))?;
        self.handlebars.render_template(&String::from_utf8_lossy(&shipped.data), view).ok()
    }
}

fn text_of(h: &Helper<'_>, index: usize) -> String {
    match h.param(index).map(handlebars::PathAndJson::value) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// One of our helpers. It turns its parameters into Markdown, which is written unchanged.
struct Words(fn(&Helper<'_>) -> Result<String, String>);

impl HelperDef for Words {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        // On trial (`trial.rs` sets this mode), no parameter may be unknown.
        if let Some(unknown) = h.params().iter().find(|one| registry.dev_mode() && one.is_value_missing()) {
            return Err(RenderErrorReason::MissingVariable(unknown.relative_path().cloned()).into());
        }
        out.write(&(self.0)(h).map_err(RenderErrorReason::Other)?)?;
        Ok(())
    }
}

/// `{{person view}}`: a view of a person is `{"id","name"}`. A person outside Slack has no id.
fn person(h: &Helper<'_>) -> Result<String, String> {
    let Some(value) = h.param(0).map(handlebars::PathAndJson::value).filter(|value| !value.is_null()) else {
        return Ok("nobody".to_owned());
    };
    let name = escape(value["name"].as_str().unwrap_or("somebody"));
    let id = value["id"].as_str().filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric()) && !id.is_empty());
    Ok(id.map_or(name.clone(), |id| format!("[{name}](person:{id})")))
}

/// `{{person view}}` as plain text.
fn name(h: &Helper<'_>) -> Result<String, String> {
    let name = h.param(0).and_then(|view| view.value()["name"].as_str());
    Ok(name.unwrap_or("nobody").to_owned())
}

/// `{{capital word}}`: with a capital letter.
fn capital(h: &Helper<'_>) -> Result<String, String> {
    let text = text_of(h, 0);
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    Ok(escape(&(first + letters.as_str())))
}

/// `{{counted steps "step"}}`: `1 step`, `2 steps`. A third parameter is the plural, where it is not made with an `s`.
fn counted(h: &Helper<'_>) -> Result<String, String> {
    let (number, one, many) = (text_of(h, 0), text_of(h, 1), text_of(h, 2));
    let count = number.parse().map_err(|_| format!("`{number}` is no number"))?;
    Ok(if count == 1 || many.is_empty() { domain::counted(count, &one) } else { format!("{count} {many}") })
}

/// `{{target_name target}}`: where a page goes. The default target is no service, so its name alone says nothing.
fn target_name(h: &Helper<'_>) -> Result<String, String> {
    Ok(escape(named(&text_of(h, 0))))
}

fn named(target: &str) -> &str {
    if target == "default" { "the default target" } else { target }
}

/// `{{ended why}}`: what somebody wrote, as a sentence with one end, whether they ended it or not.
fn ended(h: &Helper<'_>) -> Result<String, String> {
    Ok(escape(&sentence(&text_of(h, 0))))
}

fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let has_end = text.ends_with(['.', '!', '?', '…']);
    format!("{text}{}", if has_end { "" } else { "." })
}

fn time_of(h: &Helper<'_>) -> Result<Time, String> {
    let text = text_of(h, 0);
    text.parse().map_err(|_| format!("`{text}` is no time"))
}

/// `{{time at}}`: an RFC 3339 time, shown in the reader's own time zone, or in UTC if that is not possible.
fn time(h: &Helper<'_>) -> Result<String, String> {
    let at = time_of(h)?;
    Ok(format!("[{}](date:{})", times::stamp(at), at.timestamp()))
}

/// `{{prose text}}`: as plain text, with its lines kept.
fn prose(h: &Helper<'_>) -> Result<String, String> {
    Ok(escape_lines(&text_of(h, 0)))
}

/// `{{short text}}`: as plain text on one line, cut so that a list still fits into a message.
fn short(h: &Helper<'_>) -> Result<String, String> {
    let line = text_of(h, 0).split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(escape(&cut(&line, MAX_SHORT)))
}

/// `{{code text}}`: as code. Only the backtick itself is markup there.
fn code(h: &Helper<'_>) -> Result<String, String> {
    let text: String = text_of(h, 0).chars().filter(|c| *c != '`' && !c.is_control()).collect();
    Ok(if text.trim().is_empty() { String::new() } else { format!("`{}`", text.trim()) })
}

/// `{{link text url}}`: a link if the address is a web address, otherwise only the text.
fn link(h: &Helper<'_>) -> Result<String, String> {
    let (text, address) = (escape(&text_of(h, 0)), text_of(h, 1));
    Ok(match url::Url::parse(&address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            // A parsed address contains no space and no angle bracket. Only parentheses are left to escape.
            let address = url.as_str().replace('(', "%28").replace(')', "%29").replace('\\', "%5C");
            format!("[{text}](<{address}>)")
        }
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_one_end_and_the_default_target_says_what_it_is() {
        for (text, ended) in [("we reload", "we reload."), ("we reload. ", "we reload."), ("why?", "why?"), ("", ".")] {
            assert_eq!(sentence(text), ended);
        }
        assert_eq!((named("default"), named("orders")), ("the default target", "orders"));
    }
}
