//! The configuration: what wins over what, and how mistakes are told.

use muster::config::{Config, Variables};

fn variables() -> Variables {
    [
        ("MUSTER_SLACK__BOT_TOKEN", "xoxb-1"),
        ("MUSTER_SLACK__SIGNING_SECRET", "new, old"),
        ("PROM_TOKEN", "0123456789abcdef"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn errors(text: &str) -> String {
    Config::parse("muster.toml", text, &variables()).expect_err("this is wrong").to_string()
}

#[test]
fn variables_win_over_the_file_and_the_file_over_defaults() {
    let text = "[slack]\nteam_id = \"T1\"\n[server]\nlisten = \"127.0.0.1:1\"\n";
    let mut variables = variables();
    let config = Config::parse("muster.toml", text, &variables).expect("it is right");
    assert_eq!((config.server.listen.port(), config.slack.timeout_seconds), (1, 10));
    assert_eq!(config.secrets.slack_signing_secrets.len(), 2);
    variables.insert("MUSTER_SERVER__LISTEN".to_owned(), "127.0.0.1:2".to_owned());
    variables.insert("MUSTER_SLACK__TIMEOUT_SECONDS".to_owned(), "3".to_owned());
    let config = Config::parse("muster.toml", text, &variables).expect("it is right");
    assert_eq!((config.server.listen.port(), config.slack.timeout_seconds), (2, 3));
}

#[test]
fn a_mistake_names_its_line_and_a_likely_word() {
    insta::assert_snapshot!(errors("[server]\nlistn = \"x\"\n"), @"muster.toml:2: unknown field `listn`, expected one of `listen`, `public_url`, `instance`, `body_limit_kib`; did you mean `listen`?");
    let text =
        "[slack]\nteam_id = \"T1\"\n\n[[sources]]\nname = \"prom\"\nkind = \"alertmanager\"\ntoken_env = \"PROM\"\n";
    assert_eq!(
        errors(text),
        "muster.toml:5: the variable PROM is not set. It should hold the token of the source `prom`"
    );
    let text = "[slack]\nteam_id = \"T1\"\n[[teams]]\nname = \"data-platform\"\n[[services]]\nname = \"orders\"\nowner = \"data-platfrm\"\n";
    assert_eq!(
        errors(text),
        "muster.toml:7: the service `orders` is owned by the team `data-platfrm`, which does not exist; did you mean `data-platform`?"
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "[server]\npublic_url = \"muster\"\n";
    let told = errors(text);
    assert!(told.contains("team_id is empty") && told.contains("muster.toml:2: [server] public_url"), "{told}");
}

#[test]
fn a_channels_name_has_known_places_only() {
    let told = errors("[slack]\nteam_id = \"T1\"\nchannel_name = \"inc-{{numbr}}\"\n");
    assert!(
        told.contains("muster.toml:3: [slack] channel_name has {{numbr}}, but there are only number, title"),
        "{told}"
    );
}

#[test]
fn a_route_that_asks_has_somewhere_to_ask() {
    let told =
        errors("[slack]\nteam_id = \"T1\"\nannounce_channel = \"\"\n[[routes]]\nname = \"odd\"\naction = \"ask\"\n");
    assert!(told.contains("the route `odd` asks people, but no channel is set to ask them in"), "{told}");
}

#[test]
fn a_wrong_variable_is_named() {
    let mut variables = variables();
    variables.insert("MUSTER_SERVER__LISTEN".to_owned(), "everywhere".to_owned());
    let error =
        Config::parse("muster.toml", "[slack]\nteam_id = \"T1\"\n", &variables).expect_err("this is wrong").to_string();
    assert!(error.starts_with("MUSTER_SERVER__LISTEN: "), "{error}");
}

#[test]
fn whoever_administers_is_named_by_an_id_of_slack() {
    let told = errors("[slack]\nteam_id = \"T1\"\n[permissions]\nadmins = [\"U1\", \"ana\"]\nteam = [\"S1\"]\n");
    assert_eq!(told, "muster.toml:4: [permissions] `ana` is neither a person (`U…`) nor a user group (`S…`) of Slack");
}

/// A variable that is called like Muster's and that nothing reads is named, with the nearest right one.
#[test]
fn a_variable_that_nothing_reads_is_named() {
    let mut variables = variables();
    for name in ["MUSTER_SLACK_BOT_TOKEN", "MUSTER_SOURCE_TOKEN", "MUSTER_TEST_ENGINE", "MUSTER_WHATEVER"] {
        variables.insert(name.to_owned(), "0123456789abcdef0".to_owned());
    }
    let text = "[slack]\nteam_id = \"T1\"\n[[sources]]\nname = \"prom\"\nkind = \"alertmanager\"\ntoken_env = \"MUSTER_SOURCE_TOKEN\"\n";
    let config = Config::parse("muster.toml", text, &variables).expect("it is right");
    assert_eq!(
        config.unread_variables,
        [
            "nothing reads the variable `MUSTER_SLACK_BOT_TOKEN`; did you mean `MUSTER_SLACK__BOT_TOKEN`?",
            "nothing reads the variable `MUSTER_WHATEVER`"
        ]
    );
}
