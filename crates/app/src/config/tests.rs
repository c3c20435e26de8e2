use super::layers::names;
use super::*;
use std::collections::BTreeMap;
use toml::{Table, Value};

fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("troupe.toml");
    std::fs::write(&path, text).expect("written");
    let sources = Sources {
        file: Some(path),
        ..Sources::default()
    };
    (dir, sources)
}
fn refused(text: &str) -> String {
    let (_dir, sources) = file(text);
    sources.read().expect_err("refused").to_string()
}
fn variables(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_defaults_let_nobody_in_and_need_no_network() {
    let config = Config::defaults();
    assert!(config.access.keys.is_empty());
    assert!(config.models.chat.is_empty() && config.models.embedding.is_empty());
    assert!(config.http.listen.ip().is_loopback());
}

#[test]
fn every_number_of_the_default_file_has_bounds() {
    let settings: Table = DEFAULT.parse().expect("TOML");
    for name in names(&settings) {
        let (section, key) = name.split_once('.').expect("a section");
        if settings[section][key].is_integer() {
            assert!(
                bounds::BOUNDS.iter().any(|(bounded, ..)| *bounded == name),
                "{name}"
            );
        }
    }
}

#[test]
fn a_file_replaces_the_defaults_and_a_variable_replaces_both() {
    let (_dir, mut sources) = file("[http]\nlisten = \"127.0.0.1:1\"\n[limits]\nfiles = 7\n");
    sources.variables = variables(&[
        ("TROUPE_HTTP_LISTEN", "127.0.0.1:2"),
        ("TROUPE_HTTP_CORS_ORIGINS", "[\"*\"]"),
    ]);
    let config = sources.read().expect("read");
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.http.cors_origins, ["*"]);
    assert_eq!(config.limits.files, 7);
    assert_eq!(config.limits.upload_bytes, 52_428_800, "the default");
}

#[test]
fn what_is_not_a_setting_is_refused_with_what_was_meant() {
    let said = refused("[http]\nlisen = \"127.0.0.1:1\"\n");
    assert!(
        said.contains("http.lisen") && said.contains("did you mean http.listen?"),
        "{said}"
    );
    let said = refused("[limit]\nfiles = 1\n");
    assert!(said.contains("did you mean limits.files?"), "{said}");
    let said = refused("verbose = true\n");
    assert!(
        said.contains("verbose") && !said.contains("did you mean"),
        "{said}"
    );
    let sources = Sources {
        variables: variables(&[("TROUPE_HTTP_PORT", "1")]),
        ..Sources::default()
    };
    assert!(
        sources
            .read()
            .expect_err("refused")
            .to_string()
            .contains("TROUPE_HTTP_PORT")
    );
    let said = refused("[[access.keys]]\ntenat = \"acme\"\n");
    assert!(said.contains("tenat") && said.contains("tenant"), "{said}");
}

#[test]
fn a_value_of_another_type_or_beyond_its_bounds_is_refused() {
    let said = refused("[limits]\nfiles = \"7\"\n");
    assert!(
        said.contains("limits.files: expected a whole number, not a string"),
        "{said}"
    );
    let said = refused("[limits]\nfiles = 0\n");
    assert!(
        said.contains("limits.files is 0; it must be between 1 and 1000"),
        "{said}"
    );
    let said = refused("[http]\nlisten = \"nowhere\"\n");
    assert!(said.contains("socket address"), "{said}");
    let said =
        refused("[[models.chat]]\nname = \"a\"\nurl = \"u\"\nmodel = \"m\"\ntimeout_s = 0\n");
    assert!(said.contains("models.chat.timeout_s is 0"), "{said}");
    let said = refused("[http\n");
    assert!(said.contains("is not TOML"), "{said}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let sources = Sources {
        file: Some("/nowhere/troupe.toml".into()),
        ..Sources::default()
    };
    assert!(
        sources
            .read()
            .expect_err("refused")
            .to_string()
            .contains("/nowhere/troupe.toml")
    );
}

#[test]
fn a_secret_never_shows() {
    let hash = "a".repeat(64);
    let (_dir, sources) = file(&format!(
        "[[access.keys]]\ntenant = \"acme\"\nname = \"web\"\nsha256 = \"{hash}\"\n"
    ));
    let config = sources.read().expect("read");
    assert!(!format!("{config:?}").contains(&hash));
    let endpoint = Endpoint {
        name: "house".into(),
        url: "http://127.0.0.1/v1".into(),
        model: "m".into(),
        key_env: Some("TROUPE_TEST_NO_SUCH_VARIABLE".into()),
        first_s: 1,
        timeout_s: 1,
        dimensions: None,
    };
    let said = endpoint.key().expect_err("not set").to_string();
    assert!(
        said.contains("house") && said.contains("TROUPE_TEST_NO_SUCH_VARIABLE"),
        "{said}"
    );
}

#[test]
fn the_default_file_says_something_of_every_section() {
    let settings: Table = DEFAULT.parse().expect("TOML");
    assert!(settings.values().all(Value::is_table));
}
