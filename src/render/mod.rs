//! FLOOR 1. Everything that people read. Views go through handlebars templates in Markdown, and become Block Kit and plain text. Escaping and
//! Slack's limits are here. The decision which message is sent when is elsewhere.
//!
//! A value in a template is always plain text. The escape function makes it literal in Markdown, and the Markdown becomes `rich_text` elements,
//! in which Slack parses nothing. So no alert can ping, link or format anything.

mod actions;
mod button;
mod markdown;
mod message;
mod modals;
pub mod picture;
mod templates;
pub mod timeline;
mod trial;
pub mod views;

pub use actions::{Action, BUTTONS, Form, Press, Shortcut, Triage};
pub use button::{Button, MAX_LINE, again};
pub use markdown::{escape, html, plain, sentence_markdown};
pub use message::{Names, Rendered};
pub use modals::{Modal, ModalInput, option_of, view as modal};
pub use templates::{TemplateError, Templates};
