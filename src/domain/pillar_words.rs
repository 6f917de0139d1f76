//! Which pillar a check is about, by the words of its name. Words are matched as words: `TestAlert` is not stale, and `TokenRefreshFailed`
//! says nothing of freshness.

use super::Pillar;

/// Words, or words one after the other, that tell a pillar. The last word may have a plural `s`. Earlier lines win.
#[rustfmt::skip]
const TELLING: &[(Pillar, &[&str], Unless)] = &[
    (Pillar::Freshness, &["fresh", "freshness", "recency", "stale", "staleness", "timeliness", "max loaded", "update time",
        "late arriving", "late arrival", "tableage", "table age"], OF_A_PROGRAM),
    (Pillar::Schema, &["schema", "column to exist", "column count", "column type", "columns to match", "type list", "be of type"],
        &["registry"]),
    (Pillar::Volume, &["row count", "rowcount", "volume", "count to equal", "table size", "cardinality equality",
        "size anomaly", "size anomalies"], OF_A_DISK),
    (Pillar::Distribution, &["null", "unique", "uniqueness", "accepted value", "be between", "values between", "distribution",
        "anomaly", "anomalies", "anomalous", "duplicate", "duplicated", "duplication", "missing count", "missing percent",
        "missing value", "invalid count", "invalid percent", "invalid value", "regex", "relationship", "in set", "negative",
        "field quality", "avg (", "min (", "max ("],
        // A null pointer is a slip of a program.
        &["pointer", "reference", "exception"]),
];

/// With one of these words in the name, it is about something else than data.
type Unless = &'static [&'static str];

/// Programs have stale connections and stale locks.
const OF_A_PROGRAM: Unless = &["connection", "lock", "handle", "session", "lease", "socket", "nfs"];
/// A disk has a volume too.
#[rustfmt::skip]
const OF_A_DISK: Unless = &["persistent", "disk", "ebs", "mount", "mounted", "kube", "kubernetes", "pv", "pvc", "claim", "node",
    "filesystem", "fs", "storage", "space", "inode", "iops", "io", "read", "write", "queue", "snapshot", "attach", "attachment",
    "detach", "ceph", "gluster", "longhorn", "nfs", "raid", "lvm"];

impl Pillar {
    /// Finds the pillar of a check by the words that tools use in names and kinds of checks.
    pub fn of_check(name: &str) -> Option<Self> {
        let words = words(name);
        let tells = |phrase: &&str| has(&words, phrase);
        TELLING
            .iter()
            .find(|(_, telling, unless)| telling.iter().any(tells) && !unless.iter().any(tells))
            .map(|(pillar, ..)| *pillar)
    }
}

/// The words of a name, in lower case: the parts of `snake_case` and `CamelCase` too. An opening bracket counts as a word, since `min (`
/// measures something and `min` does not.
fn words(name: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        // `ordersTable` and `HTTPError` have two words each.
        let next_is_small = letters.peek().is_some_and(|next| next.is_lowercase());
        let begins = letter.is_uppercase() && (!before.is_uppercase() || next_is_small);
        if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        match letter {
            '(' => words.push("(".to_owned()),
            letter if letter.is_alphanumeric() => word.extend(letter.to_lowercase()),
            _ => {}
        }
        before = letter;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether a name has these words one after the other.
fn has(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let same = |word: &String, telling: &&str| word == telling;
    let Some((last, first)) = phrase.split_last() else { return false };
    words.windows(phrase.len()).any(|some| {
        let (end, start) = (&some[first.len()], &some[..first.len()]);
        start.iter().zip(first).all(|(word, telling)| same(word, telling))
            && (same(end, last) || end.strip_suffix('s').is_some_and(|one| one == *last))
    })
}

/// Whether one of an operator's words is in a name. It begins where a word begins: `lag` is in `ConsumerLagging`, and not in `flag`.
pub fn begins_in(name: &str, part: &str) -> bool {
    let (name, part) = (words(name).join(" "), words(part).join(" "));
    !part.is_empty() && (name.starts_with(&part) || name.contains(&format!(" {part}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words() {
        for (name, pillar) in [
            ("TestAlert", None),
            ("KubePersistentVolumeFillingUp", None),
            ("TokenRefreshFailed", None),
            ("NullPointerException", None),
            ("NullReferenceException in loader", None),
            ("EBSVolumeQueueLength", None),
            ("VolumeReadOps", None),
            ("SchemaRegistryDown", None),
            ("StaleConnections", None),
            ("ConnectionBetweenSitesLost", None),
            ("AdminLogin(root)", None),
            ("ManifestUploadFailed", None),
            ("OrdersTableStale", Some(Pillar::Freshness)),
            ("TABLE_STALE", Some(Pillar::Freshness)),
            ("dbt_utils_recency_orders", Some(Pillar::Freshness)),
            ("freshness(updated_at) < 1d", Some(Pillar::Freshness)),
            ("OrdersRowCountLow", Some(Pillar::Volume)),
            ("row_count > 0", Some(Pillar::Volume)),
            ("volume_anomalies", Some(Pillar::Volume)),
            ("expect_table_row_count_to_be_between", Some(Pillar::Volume)),
            ("schema_changes", Some(Pillar::Schema)),
            ("expect_table_columns_to_match_set", Some(Pillar::Schema)),
            ("not_null_orders_id", Some(Pillar::Distribution)),
            ("expect_column_values_to_be_between", Some(Pillar::Distribution)),
            ("avg(amount) between 1 and 5", Some(Pillar::Distribution)),
            ("column_anomalies", Some(Pillar::Distribution)),
            ("relationships_orders_customer", Some(Pillar::Distribution)),
            ("missing_count(id) = 0", Some(Pillar::Distribution)),
            ("DuplicatedOrders", Some(Pillar::Distribution)),
        ] {
            assert_eq!(Pillar::of_check(name), pillar, "{name}");
        }
    }

    #[test]
    fn an_operators_word_begins_where_a_word_begins() {
        assert!(begins_in("ConsumerLagging", "lag"));
        assert!(begins_in("dq_late_orders", "dq_late"));
        assert!(!begins_in("FeatureFlagChanged", "lag"));
        assert!(!begins_in("anything", ""));
    }
}
