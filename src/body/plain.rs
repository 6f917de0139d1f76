//! JSON as some programs write it, made plain while it is read. It holds a few kilobytes, however long the body is.

use std::io::{Error, ErrorKind, Read, Result};

/// The byte order mark of UTF-8, which .NET and PowerShell write. A reader may leave it out (RFC 8259, 8.1).
pub(super) const MARK: &[u8] = b"\xEF\xBB\xBF";
/// What Python writes for numbers that JSON does not have. They can only stand where a value does, so `null` in their place changes nothing else.
const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

#[derive(Debug, Clone, Copy)]
enum Place {
    Outside,
    Text,
    /// After a backslash.
    Escaped,
    /// Outside, after this many bytes of a word.
    Word(&'static [u8], usize),
}

/// A reader without the byte order mark, and with `null` for Python's words.
#[derive(Debug)]
pub(super) struct Plain<R> {
    from: R,
    /// The first bytes, until there are enough of them to tell what they are. `None` from then on.
    start: Option<Vec<u8>>,
    ended: bool,
    place: Place,
    ready: Vec<u8>,
    /// How much of `ready` was given.
    given: usize,
}

impl<R: Read> Plain<R> {
    pub(super) fn new(from: R) -> Self {
        let start = Some(Vec::new());
        Self { from, start, ended: false, place: Place::Outside, ready: Vec::new(), given: 0 }
    }
}

impl<R> Plain<R> {
    fn take(&mut self, piece: &[u8]) -> Result<()> {
        let Some(mut start) = self.start.take() else {
            piece.iter().for_each(|byte| self.byte(*byte));
            return Ok(());
        };
        start.extend_from_slice(piece);
        if start.len() < MARK.len() && !self.ended {
            self.start = Some(start);
            return Ok(());
        }
        let other = match &start[..] {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..] => Some("it is UTF-16; send it as UTF-8"),
            [0x1F, 0x8B, ..] => Some("it is compressed; send the header `Content-Encoding: gzip` with it"),
            _ => None,
        };
        if let Some(other) = other {
            return Err(Error::new(ErrorKind::InvalidData, other));
        }
        start.strip_prefix(MARK).unwrap_or(&start).iter().for_each(|byte| self.byte(*byte));
        Ok(())
    }

    fn byte(&mut self, byte: u8) {
        if let Place::Word(word, known) = self.place {
            if word[known] == byte {
                self.place = Place::Word(word, known + 1);
                if known + 1 == word.len() {
                    self.place = Place::Outside;
                    self.ready.extend_from_slice(b"null");
                    // A mistake further on is still told with its column.
                    self.ready.resize(self.ready.len() + word.len().saturating_sub(4), b' ');
                }
                return;
            }
            self.no_word();
        }
        self.place = match (self.place, byte) {
            (Place::Text, b'\\') => Place::Escaped,
            (Place::Text, b'"') => Place::Outside,
            (Place::Text | Place::Escaped, _) | (_, b'"') => Place::Text,
            (outside, _) => match WORDS.into_iter().find(|word| word[0] == byte) {
                Some(word) => {
                    self.place = Place::Word(word, 1);
                    return;
                }
                None => outside,
            },
        };
        self.ready.push(byte);
    }

    /// What looked like a word is none.
    fn no_word(&mut self) {
        if let Place::Word(word, known) = self.place {
            self.ready.extend_from_slice(&word[..known]);
            self.place = Place::Outside;
        }
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        while self.given == self.ready.len() && !self.ended {
            self.ready.clear();
            self.given = 0;
            let mut piece = [0; 8 * 1024];
            let count = self.from.read(&mut piece)?;
            self.ended = count == 0;
            self.take(&piece[..count])?;
            if self.ended {
                self.no_word();
            }
        }
        let count = into.len().min(self.ready.len() - self.given);
        into[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}
