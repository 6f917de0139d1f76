//! FLOOR 1. E-mail by SMTP: text and HTML from the same Markdown, with one thread for each incident and recipient. `delivery`
//! decides when to send.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::domain::{Time, Undelivered};
use crate::render::{html, plain};

pub struct Letter<'a> {
    pub to: &'a str,
    /// The subject. It is the same for a whole thread.
    pub subject: String,
    pub markdown: &'a str,
    pub picture: Option<Vec<u8>>,
    /// The id of the thread, and of its first letter.
    pub thread: String,
    /// The id of a later letter in the thread. Sent again, it is the same letter.
    pub id: Option<String>,
}

/// Why a letter was not sent.
#[derive(Debug, Clone)]
pub struct MailError {
    pub permanent: bool,
    pub why: Undelivered,
}

pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    domain: String,
}

impl Mailer {
    /// The configured mailer; `None` if mail is off.
    ///
    /// # Errors
    /// The address of the server or the sender is wrong.
    pub fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let mail = &config.mail;
        if mail.smtp_url.is_empty() {
            return Ok(None);
        }
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp_url)
            .map_err(|error| anyhow::anyhow!("[mail] smtp_url cannot be used: {error}"))?
            .timeout(Some(std::time::Duration::from_secs(config.slack.timeout_seconds)));
        if let Some((user, password)) = &config.secrets.mail_login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        let from: Mailbox = mail
            .from
            .parse()
            .map_err(|error| anyhow::anyhow!("[mail] from = {:?} is not an address: {error}", mail.from))?;
        let domain = from.email.domain().to_owned();
        Ok(Some(Self { transport: builder.build(), from, domain }))
    }

    /// Sends.
    ///
    /// # Errors
    /// The server refuses it for now or for good.
    pub async fn send(&self, letter: &Letter<'_>, now: Time) -> Result<(), MailError> {
        let message = self.message(letter, now).map_err(|why| MailError { permanent: true, why })?;
        self.transport
            .send(message)
            .await
            .map(|_| ())
            .map_err(|error| MailError { permanent: error.is_permanent(), why: error.to_string().into() })
    }

    fn message(&self, letter: &Letter<'_>, now: Time) -> Result<Message, Undelivered> {
        let to = letter
            .to
            .parse::<Mailbox>()
            .map_err(|error| Undelivered::BadAddress { address: letter.to.to_owned(), error: error.to_string() })?;
        let id = |name: &str| {
            let name: String =
                name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
            format!("<{name}@{}>", self.domain)
        };
        let thread = id(&letter.thread);
        let mut message = Message::builder().from(self.from.clone()).to(to).subject(&letter.subject).date(now.into());
        message = match &letter.id {
            None => message.message_id(Some(thread)),
            Some(name) => message.message_id(Some(id(name))).in_reply_to(thread.clone()).references(thread),
        };
        let body = MultiPart::alternative().singlepart(SinglePart::plain(plain(letter.markdown)));
        let page = html(letter.markdown);
        let body = match &letter.picture {
            None => body.singlepart(SinglePart::html(page)),
            Some(png) => {
                let picture = "<p><img src=\"cid:lineage\" alt=\"The lineage\" style=\"max-width:100%\"></p>";
                let kind = ContentType::parse("image/png").map_err(|error| error.to_string())?;
                body.multipart(
                    MultiPart::related()
                        .singlepart(SinglePart::html(format!("{page}{picture}")))
                        .singlepart(Attachment::new_inline("lineage".to_owned()).body(png.clone(), kind)),
                )
            }
        };
        message.multipart(body).map_err(|error| error.to_string().into())
    }
}
