//! A small HTTP/1.1 client: it keeps one connection, and sends one request at a time. It understands only what the servers under
//! test answer: a status, a content length, a body.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The path for alerts, of a bot and of the plain server.
pub(super) const HOOK: &str = "/hooks/bench";
/// Larger than any answer here.
const LARGEST: usize = 16 * 1024 * 1024;

pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// Sends a request, and waits for the whole answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await.context("the server hung up")?;
        self.read.clear();
        let (status, start, end) = loop {
            if let Some((status, start, length)) = head(&self.read)? {
                break (status, start, start + length);
            }
            self.more().await?;
        };
        while self.read.len() < end {
            self.more().await?;
        }
        Ok(Answer { status, body: &self.read[start..end] })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.read.len() > LARGEST || self.stream.read_buf(&mut self.read).await.context("the server hung up")? == 0 {
            bail!("the server broke off in an answer");
        }
        Ok(())
    }
}

/// A request as it goes over the wire.
pub(super) fn request(verb: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "{verb} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The status, the start of the body, and its length; `None` until the whole head has arrived.
fn head(read: &[u8]) -> anyhow::Result<Option<(u16, usize, usize)>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&read[..end]).context("the server's answer is not HTTP")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|rest| rest.get(..3));
    let status = status.and_then(|status| status.parse().ok()).context("the server's answer is not HTTP/1.1")?;
    let length =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = match length {
        Some((_, length)) => length.trim().parse().context("the server's content length is not a number")?,
        None if status == 204 => 0,
        None => bail!("the server answered {status} without a content length"),
    };
    Ok(Some((status, end + 4, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(head(&answer[..40]).expect("half a head"), None);
        let (status, start, length) = head(answer).expect("a head").expect("all of it");
        assert_eq!((status, &answer[start..start + length]), (202, &b"{}"[..]));
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
    }
}
