//! Names of assets. Tools spell them differently; here they get one spelling. `sighting` decides which names are one asset.

use super::super::AssetName;

/// The schemes of OpenLineage namespaces in which a name is `database.schema.table`, as dbt and people also write it.
#[rustfmt::skip]
const WAREHOUSES: &[&str] = &[
    "athena", "awsathena", "azurewarehouse", "bigquery", "clickhouse", "cockroach", "crate", "databricks", "db2",
    "duckdb", "hive", "mssql", "mysql", "oceanbase", "oracle", "postgres", "redshift", "snowflake", "spanner",
    "sqlserver", "synapse", "teradata", "trino", "vertica",
];

/// Removes quotes and blanks: `"shop"."main"."orders"` and `[shop].[main].[orders]` become `shop.main.orders`. Cuts the name to
/// [`AssetName::MAX_CHARS`].
pub fn clean(name: &str) -> String {
    let bare: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '`' | '[' | ']')).collect();
    bare.trim().chars().take(AssetName::MAX_CHARS).collect()
}

/// Schemes that mean the same as another one.
const SAME_SCHEMES: &[(&str, &str)] = &[("s3a", "s3"), ("s3n", "s3"), ("gcs", "gs"), ("postgresql", "postgres")];
/// The ports that need not be named.
#[rustfmt::skip]
const PORTS: &[(&str, &str)] = &[
    ("cockroach", "26257"), ("mssql", "1433"), ("mysql", "3306"), ("oracle", "1521"), ("postgres", "5432"),
    ("redshift", "5439"), ("sqlserver", "1433"),
];

/// A namespace of OpenLineage in one spelling, and its scheme in lower case.
fn namespace_of(namespace: &str) -> (String, String) {
    let namespace = clean(namespace);
    let namespace = namespace.trim_end_matches('/');
    let scheme = namespace.split([':', '/']).next().unwrap_or_default();
    let rest = &namespace[scheme.len()..];
    let scheme = scheme.to_ascii_lowercase();
    let scheme = SAME_SCHEMES.iter().find(|(other, _)| *other == scheme).map_or(scheme, |(_, one)| (*one).to_owned());
    let port = PORTS.iter().find(|(of, _)| *of == scheme).map(|(_, port)| format!(":{port}"));
    let rest = port.and_then(|port| rest.strip_suffix(&port)).unwrap_or(rest);
    (format!("{scheme}{rest}"), scheme)
}

/// The names of an OpenLineage dataset, the one to show first. Also its namespace, if the short name is only unique there.
pub fn dataset(namespace: &str, name: &str) -> (Vec<String>, Option<String>) {
    let ((namespace, scheme), name) = (namespace_of(namespace), clean(name));
    if WAREHOUSES.contains(&scheme.as_str()) {
        let name = name.to_ascii_lowercase();
        let name = if scheme == "bigquery" { whole_table(&name).unwrap_or(name) } else { name };
        let namespace = namespace.to_ascii_lowercase();
        return (vec![name.clone(), format!("{namespace}/{name}")], Some(namespace));
    }
    // A path is the same with and without a slash at its ends.
    let name = name.trim_matches('/');
    let full = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    // The catalog of Glue calls a table `table/{database}/{name}`.
    let of_glue = name.strip_prefix("table/").filter(|_| namespace.starts_with("arn:aws:glue:"));
    match of_glue {
        Some(table) => (vec![table.replace('/', ".").to_ascii_lowercase(), full], Some(namespace)),
        None => (vec![full], None),
    }
}

/// The table of a partition (`p.d.orders$20261127`), of a day's shard (`p.d.events_20261127`, which is of `p.d.events_*`) or of a version
/// (`main.orders@v7`). `None` if the name is of none of these.
pub fn whole_table(name: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let start = name.rfind(['.', '/']).map_or(0, |dot| dot + 1);
    let (before, table) = name.split_at(start);
    let cut = |at: usize| (at > 0).then(|| format!("{before}{}", &table[..at]));
    if let Some((of, partition)) = table.split_once('$')
        && ((digits(partition) && partition.len() >= 4) || partition.starts_with("__"))
    {
        return cut(of.len());
    }
    if let Some((of, version)) = table.split_once('@')
        && !version.is_empty()
    {
        return cut(of.len());
    }
    let (of, day) = table.rsplit_once('_')?;
    (day.len() == 8 && digits(day) && (day.starts_with("19") || day.starts_with("20")) && !of.is_empty())
        .then(|| format!("{before}{of}_*"))
}

/// The name of an OpenLineage job.
pub fn job(namespace: &str, name: &str) -> String {
    clean(&format!("{}/{name}", clean(namespace).trim_end_matches('/')))
}

/// Whether `name` ends with the parts of `tail`: `shop.main.orders` with `main.orders`, and with `orders`.
pub fn ends_with(name: &str, tail: &str) -> bool {
    let (Some(start), false) = (name.len().checked_sub(tail.len()), tail.is_empty()) else { return false };
    name.as_bytes()[start..].eq_ignore_ascii_case(tail.as_bytes())
        && (start == 0 || matches!(name.as_bytes()[start - 1], b'.' | b'/' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_schemes_do_not_make_doubles() {
        assert_eq!(clean(r#""shop"."main"."orders""#), "shop.main.orders");
        assert_eq!(clean("[shop].[dbo].[orders] "), "shop.dbo.orders");
        assert_eq!(clean("`p.d.t`"), "p.d.t");
        let (names, namespace) = dataset("snowflake://acme", "RAW.SHOP.ORDERS");
        assert_eq!(names, ["raw.shop.orders", "snowflake://acme/raw.shop.orders"]);
        assert_eq!(namespace.as_deref(), Some("snowflake://acme"));
        // Upper and lower case matter in paths.
        assert_eq!(dataset("s3://Lake", "Raw/Orders").0, ["s3://Lake/Raw/Orders"]);
        assert_eq!(dataset("bigquery", "p.d.t").0[0], "p.d.t");
        // Producers write one place in several ways.
        for (namespace, name) in [
            ("postgres://db:5432", "shop.public.orders"),
            ("postgresql://db", "shop.public.orders"),
            ("POSTGRES://DB/", "Shop.Public.Orders"),
        ] {
            let names = dataset(namespace, name);
            assert_eq!(names.0, ["shop.public.orders", "postgres://db/shop.public.orders"], "{namespace}");
            assert_eq!(names.1.as_deref(), Some("postgres://db"));
        }
        for (namespace, name) in
            [("s3://lake", "raw/orders"), ("s3a://lake/", "/raw/orders/"), ("S3N://lake", "raw/orders/")]
        {
            assert_eq!(dataset(namespace, name).0, ["s3://lake/raw/orders"], "{namespace}");
        }
        assert_eq!(dataset("postgres://db:6432", "a.b.c").1.as_deref(), Some("postgres://db:6432"));
        assert_eq!(dataset("file", "/data/a.csv").0, ["file/data/a.csv"]);
        assert_eq!(dataset("bigquery", "p.d.t$20261127").0, ["p.d.t", "bigquery/p.d.t"]);
        assert_eq!(dataset("bigquery", "p.d.events_20261127").0[0], "p.d.events_*");
        let glue = dataset("arn:aws:glue:eu-west-1:123", "table/shop/orders");
        assert_eq!(glue.0, ["shop.orders", "arn:aws:glue:eu-west-1:123/table/shop/orders"]);
    }

    #[test]
    fn partitions_shards_and_versions_are_of_a_table() {
        for (name, whole) in [
            ("p.d.orders$20261127", Some("p.d.orders")),
            ("p.d.orders$2026112710", Some("p.d.orders")),
            ("p.d.orders$__NULL__", Some("p.d.orders")),
            ("p.d.events_20261127", Some("p.d.events_*")),
            ("main.orders@v7", Some("main.orders")),
            ("orders@20261127", Some("orders")),
            ("p.d.orders", None),
            ("p.d.orders$old", None),
            ("p.d.orders_12345678", None),
            ("p.d._20261127", None),
            ("bob@example.com", None),
            ("@v7", None),
            ("", None),
        ] {
            assert_eq!(whole_table(name).as_deref(), whole, "{name}");
        }
    }

    #[test]
    fn a_tail_is_whole_parts() {
        assert!(ends_with("shop.main.orders", "orders") && ends_with("shop.main.orders", "Main.orders"));
        assert!(ends_with("orders", "orders") && ends_with("s3://lake/orders", "orders"));
        assert!(!ends_with("shop.main.stg_orders", "orders") && !ends_with("orders", "shop.orders"));
        assert!(!ends_with("orders", ""));
    }
}
