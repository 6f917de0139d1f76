//! FLOOR 1. Everything that people read: views, through handlebars templates in Markdown, written out as Block Kit and
//! plain text. Escaping and Slack's limits live here; which message is sent when does not.
//!
//! A value in a template is always plain text: the escape function makes it literal in Markdown, and the Markdown is
//! written out as `rich_text` elements, in which Slack parses nothing. So no alert can ping, link or mark up.

mod actions;
mod button;
mod markdown;
mod message;
mod modals;
pub mod picture;
mod templates;
pub mod timeline;
pub mod views;

pub use actions::{Action, BUTTONS, FORMS, Form, Press, Shortcut, Triage, TriageCard};
pub use button::{Button, MAX_LINE, again};
pub use markdown::{escape, html, plain, sentence_markdown};
pub use message::{Names, Rendered};
pub use modals::{Modal, ModalInput, option_of, view as modal};
pub use templates::{TemplateError, Templates};
