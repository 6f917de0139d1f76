//! The form of a record in a row.

use std::borrow::Cow;

use tokio_postgres::Row;

use super::connect::said;
use crate::store::{Kind, QueueName, Queued, Raw, ReadError};

/// Text as it is in a column. PostgreSQL allows no NUL in text. The order of texts stays the same.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\u{1}']) {
        Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Undoes [`stored`].
pub(super) fn restored(text: String) -> String {
    if text.contains('\u{1}') { text.replace("\u{1}\u{1}", "\0").replace("\u{1}\u{2}", "\u{1}") } else { text }
}

pub(super) fn kind(name: &str) -> Result<Kind, ReadError> {
    Kind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
        ReadError::damaged(format!("a record of the unknown kind `{name}`; was it written by a newer Muster?"))
    })
}

/// The columns that [`raw`] reads.
pub(super) const COLUMNS: &str = "kind, id, ver, claims, shape, queue, due, body";

pub(super) fn raw(row: &Row) -> Result<Raw, ReadError> {
    let column = |error: tokio_postgres::Error| ReadError::damaged(said(&error));
    let queue: Option<String> = row.try_get(5).map_err(column)?;
    let due: Option<i64> = row.try_get(6).map_err(column)?;
    Ok(Raw {
        kind: kind(row.try_get(0).map_err(column)?)?,
        id: restored(row.try_get(1).map_err(column)?),
        ver: row.try_get::<_, i64>(2).map_err(column)?.cast_unsigned(),
        claims: u32::try_from(row.try_get::<_, i64>(3).map_err(column)?).unwrap_or(u32::MAX),
        shape: u32::try_from(row.try_get::<_, i64>(4).map_err(column)?).unwrap_or(u32::MAX),
        queued: queue.zip(due).map(|(queue, due)| Queued { queue: QueueName::stored(restored(queue)), due }),
        body: row.try_get(7).map_err(column)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{restored, stored};

    proptest! {
        #[test]
        fn text_comes_back_and_keeps_its_order(one in "[\0\u{1}\u{2}\u{3}a]{0,6}", other in "[\0\u{1}\u{2}\u{3}a]{0,6}") {
            prop_assert!(!stored(&one).contains('\0'));
            prop_assert_eq!(restored(stored(&one).into_owned()), one.clone());
            prop_assert_eq!(stored(&one).as_bytes().cmp(stored(&other).as_bytes()), one.as_bytes().cmp(other.as_bytes()));
        }
    }
}
