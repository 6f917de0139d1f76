//! Bodies that are compressed. They are unpacked in small steps, so that a small body that unpacks into a huge one is stopped by the limit of who
//! reads it, and never stands in memory.

use std::io::{Read, Write as _};

use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    /// What the header `Content-Encoding` says.
    ///
    /// # Errors
    /// Another encoding, in its own words.
    pub fn of(headers: &HeaderMap) -> Result<Self, String> {
        let values = headers.get_all(header::CONTENT_ENCODING).iter();
        let said: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase()).collect();
        let said = said.join(",");
        let codings: Vec<_> =
            said.split(',').map(str::trim).filter(|coding| !matches!(*coding, "" | "identity")).collect();
        match codings[..] {
            [] => Ok(Self::Identity),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip),
            _ => Err(codings.join(", ")),
        }
    }

    /// The whole of a body that is there already. A larger one than `limit` is cut just above it.
    ///
    /// # Errors
    /// It is not gzip.
    pub fn unpacked(self, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, NotGzip> {
        if self == Self::Identity {
            return Ok(body);
        }
        let mut whole = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        flate2::read::MultiGzDecoder::new(&body[..]).take(most).read_to_end(&mut whole).map_err(|_| NotGzip)?;
        Ok(whole)
    }
}

/// A body says that it is gzip, but it is not, or not all of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "The header `Content-Encoding` says gzip, but the body is not whole gzip. Nothing was saved; send it again, or send it uncompressed"
)]
pub struct NotGzip;

/// Unpacks a body while it arrives.
#[derive(Debug)]
pub struct Unpacking {
    decoder: MultiGzDecoder<Vec<u8>>,
    taken: usize,
    made: usize,
}

impl Default for Unpacking {
    fn default() -> Self {
        Self { decoder: MultiGzDecoder::new(Vec::new()), taken: 0, made: 0 }
    }
}

impl Unpacking {
    /// The most bytes of one step. Gzip makes at most a thousand of one, so a step makes at most four megabytes.
    pub const STEP: usize = 4 * 1024;
    /// How many bytes a body may have that unpack to nothing.
    const EMPTY: usize = 1024 * 1024;

    /// Takes a few bytes, at most [`Self::STEP`], and gives what they are.
    ///
    /// # Errors
    /// They are not gzip, or there is no end of bytes that are nothing.
    pub fn step(&mut self, packed: &[u8]) -> Result<Vec<u8>, NotGzip> {
        self.decoder.write_all(packed).map_err(|_| NotGzip)?;
        self.taken += packed.len();
        let made = std::mem::take(self.decoder.get_mut());
        self.made += made.len();
        if self.taken > self.made + Self::EMPTY { Err(NotGzip) } else { Ok(made) }
    }

    /// What is left when the body has ended.
    ///
    /// # Errors
    /// Its end is missing.
    pub fn end(mut self) -> Result<Vec<u8>, NotGzip> {
        self.decoder.try_finish().map_err(|_| NotGzip)?;
        Ok(std::mem::take(self.decoder.get_mut()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_header_says() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, http::HeaderValue::from_static(value));
            }
            Encoding::of(&headers)
        };
        assert_eq!(of(&[]), Ok(Encoding::Identity));
        assert_eq!(of(&["", "identity"]), Ok(Encoding::Identity));
        assert_eq!(of(&["GZip"]), Ok(Encoding::Gzip));
        assert_eq!(of(&["identity, x-gzip"]), Ok(Encoding::Gzip));
        assert_eq!(of(&["br"]), Err("br".to_owned()));
        assert_eq!(of(&["gzip", "gzip"]), Err("gzip, gzip".to_owned()));
        assert_eq!(of(&["deflate"]), Err("deflate".to_owned()));
    }

    /// A thousand times larger than it arrives: no step gives more than four megabytes.
    #[test]
    fn a_step_is_small() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 64 * 1024 * 1024]).expect("memory");
        let packed = encoder.finish().expect("memory");
        assert!(packed.len() < 80 * 1024, "{}", packed.len());
        let (mut unpacking, mut made, mut most) = (Unpacking::default(), 0, 0);
        for step in packed.chunks(Unpacking::STEP) {
            let piece = unpacking.step(step).expect("gzip");
            made += piece.len();
            most = most.max(piece.len());
        }
        made += unpacking.end().expect("its end").len();
        assert_eq!(made, 64 * 1024 * 1024);
        assert!(most <= Unpacking::STEP * 1100, "{most}");
        let mut cut = Unpacking::default();
        cut.step(&packed[..100]).expect("its beginning");
        assert_eq!(cut.end(), Err(NotGzip));
        assert_eq!(Unpacking::default().step(b"{\"title\": 1}"), Err(NotGzip));
        assert_eq!(Encoding::Gzip.unpacked(packed, 1000).expect("gzip").len(), 1001);
    }

    /// Members that hold nothing, without end.
    #[test]
    fn nothing_without_end_is_stopped() {
        let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()).finish().expect("memory");
        let many = empty.repeat(Unpacking::STEP / empty.len());
        let mut unpacking = Unpacking::default();
        assert!((0..10_000).any(|_| unpacking.step(&many).is_err()));
    }
}
