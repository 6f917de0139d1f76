//! E-mail to people outside. It goes to an SMTP server that is not ours (the crate `mailin`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use mail_parser::{MessageParser, MimeHeaders as _};
use mailin::{Action, Handler, Response, SessionBuilder};
use serde_json::json;

use crate::harness::*;

/// What the server got, and what it answers to the next recipients instead of "fine".
#[derive(Clone, Default)]
pub(super) struct Sink {
    pub(super) letters: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(super) answers: Arc<Mutex<Vec<Response>>>,
}

struct Taking {
    sink: Sink,
    letter: Vec<u8>,
}

impl Handler for Taking {
    fn rcpt(&mut self, _: &str) -> Response {
        self.sink.answers.lock().unwrap().pop().unwrap_or(mailin::response::OK)
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.letter.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.sink.letters.lock().unwrap().push(std::mem::take(&mut self.letter));
        mailin::response::OK
    }
}

impl Sink {
    pub(super) fn start() -> (Self, String) {
        let sink = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let taking = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = taking.clone();
                std::thread::spawn(move || serve(stream, sink));
            }
        });
        (sink, url)
    }
}

fn serve(mut stream: std::net::TcpStream, sink: Sink) {
    let peer = stream.peer_addr().unwrap().ip();
    let mut session = SessionBuilder::new("sink.example.com").build(peer, Taking { sink, letter: Vec::new() });
    session.greeting().write_to(&mut stream).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let answer = session.process(&line);
        line.clear();
        if answer.action != Action::NoReply && answer.write_to(&mut stream).and_then(|()| stream.flush()).is_err() {
            return;
        }
        if answer.action == Action::Close {
            return;
        }
    }
}

async fn mailing_shop(url: &str) -> Bot {
    let extra = format!("[mail]\nsmtp_url = \"{url}\"\nfrom = \"Muster <muster@data.example.com>\"\n");
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.sandbox.slack().add_channel("data-orders", &[CHLOE]);
    bot.shop().await;
    bot.alert(
        "dq",
        json!({"title": "<b>nulls</b> & more", "key": "nulls", "asset": "model.shop.orders", "pillar": "volume"}),
    )
    .await;
    bot.inc(1).slash(ANA, "notify downstream").await;
    bot.submit(ANA, json!({"teams": ["finance analytics"], "text": "Use <yesterday>."})).await;
    bot
}

#[tokio::test]
async fn consumers_without_a_channel_get_one_thread_of_letters() {
    let (sink, url) = Sink::start();
    let bot = mailing_shop(&url).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "update the backfill runs").await;
    inc.slash(ANA, "resolve loaded again").await;
    let letters = sink.letters.lock().unwrap().clone();
    assert_eq!(letters.len(), 3);
    let parsed: Vec<_> = letters.iter().map(|letter| MessageParser::default().parse(letter).unwrap()).collect();
    let first = parsed[0].message_id().unwrap().to_owned();
    for (place, letter) in parsed.iter().enumerate() {
        assert_eq!(letter.subject(), Some("[INC-1] <b>nulls</b> & more"));
        assert_eq!(letter.to().unwrap().first().unwrap().address(), Some("finance@example.com"));
        assert_eq!(letter.from().unwrap().first().unwrap().address(), Some("muster@data.example.com"));
        if place > 0 {
            assert_eq!(letter.in_reply_to().as_text(), Some(first.as_str()));
            assert_ne!(letter.message_id(), Some(first.as_str()));
        }
    }
    insta::assert_snapshot!(parsed[0].body_text(0).unwrap());
    let page = parsed[0].body_html(0).unwrap();
    assert!(page.contains("&lt;b&gt;nulls&lt;/b&gt; &amp; more") && page.contains("Use &lt;yesterday&gt;."), "{page}");
    assert!(page.contains("cid:lineage"), "{page}");
    let picture = parsed[0].attachments().next().unwrap();
    assert_eq!((picture.content_id(), &picture.contents()[1..4]), (Some("lineage"), b"PNG".as_slice()));
    assert!(parsed[2].body_text(0).unwrap().contains("INC-1 is resolved"));
    bot.end().await;
}

#[tokio::test]
async fn a_server_that_cannot_now_is_asked_again_and_one_that_never_will_is_told_of() {
    let (sink, url) = Sink::start();
    *sink.answers.lock().unwrap() = vec![mailin::response::NO_SERVICE];
    let bot = mailing_shop(&url).await;
    assert!(sink.letters.lock().unwrap().is_empty());
    bot.advance(minutes(5)).await;
    assert_eq!(sink.letters.lock().unwrap().len(), 1, "it came later, once");
    *sink.answers.lock().unwrap() = vec![mailin::response::NO_MAILBOX];
    let inc = bot.inc(1);
    inc.slash(ANA, "update the backfill runs").await;
    inc.find("A message to Finance analytics was not delivered: ");
    assert_eq!(sink.letters.lock().unwrap().len(), 1);
}
