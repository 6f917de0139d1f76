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

/// The names of an OpenLineage dataset, the one to show first. Also its namespace, if the short name is only unique there.
pub fn dataset(namespace: &str, name: &str) -> (Vec<String>, Option<String>) {
    let (namespace, name) = (clean(namespace), clean(name));
    let full = if namespace.is_empty() { name.clone() } else { format!("{}/{name}", namespace.trim_end_matches('/')) };
    let scheme = namespace.split([':', '/']).next().unwrap_or_default().to_ascii_lowercase();
    if WAREHOUSES.contains(&scheme.as_str()) {
        (vec![name.to_ascii_lowercase(), full.to_ascii_lowercase()], Some(namespace.to_ascii_lowercase()))
    } else {
        (vec![full], None)
    }
}

/// The name of an OpenLineage job.
pub fn job(namespace: &str, name: &str) -> String {
    clean(&format!("{namespace}/{name}"))
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
    }

    #[test]
    fn a_tail_is_whole_parts() {
        assert!(ends_with("shop.main.orders", "orders") && ends_with("shop.main.orders", "Main.orders"));
        assert!(ends_with("orders", "orders") && ends_with("s3://lake/orders", "orders"));
        assert!(!ends_with("shop.main.stg_orders", "orders") && !ends_with("orders", "shop.orders"));
        assert!(!ends_with("orders", ""));
    }
}
