//! Which way a time is read, and why words are none.

/// Whether a bare time of day means the last such time or the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// `since 06:10`: the last time it was 06:10; `2h` means two hours ago.
    Past,
    /// `next 15:00`: the next time it is 15:00; `2h` means in two hours.
    Future,
}

/// Words of which no moment can be made, and why, for the person who typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotATime {
    pub(crate) words: String,
    /// Whether they are a time that cannot be used. Otherwise they may be anything, such as the end of a sentence.
    pub(crate) meant: bool,
}

impl NotATime {
    pub(super) fn no_time(words: &str) -> Self {
        Self { words: format!("“{words}” is not a time I understand."), meant: looks_like_one(words) }
    }

    /// It must be said more clearly. The words say how.
    pub(super) fn ask(words: String) -> Self {
        Self { words, meant: true }
    }

    pub(super) fn too_far() -> Self {
        Self::ask("That is more than ten years away.".to_owned())
    }
}

/// Whether words look like a time. If they are not one, that is a mistake and not a sentence: `25:00`, `9999h`, `at 06:70`.
pub(super) fn looks_like_one(words: &str) -> bool {
    let words = words.trim().trim_start_matches("at ").trim_end_matches("UTC").trim();
    let first = words.split_whitespace().next().unwrap_or_default();
    let is_clock = |word: &str| {
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        digits > 0 && word[digits..].chars().all(|c| c.is_ascii_digit() || ":-./tzmhd".contains(c.to_ascii_lowercase()))
    };
    is_clock(first) && words.split_whitespace().skip(1).all(is_clock)
}
