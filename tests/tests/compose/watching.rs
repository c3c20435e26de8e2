//! What watches the processes: the addresses that Prometheus asks, and the metrics that the dashboard draws.
use super::file::{Compose, text};
use super::serving;
use app::{App, Config, Roles};
use events::map::TopicMap;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The names of metrics in a text, without what Prometheus makes of them.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(move |c: char| !word(c));
    words
        .filter(|word| word.starts_with("troupe_"))
        .map(|name| {
            let end = ["_total", "_bucket", "_count", "_sum"];
            let base = end.iter().find_map(|end| name.strip_suffix(end));
            base.unwrap_or(name).to_owned()
        })
        .collect()
}

#[test]
fn prometheus_asks_every_process_where_it_listens() {
    let compose = Compose::read();
    let file: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&text("deploy/prometheus.yml")).expect("YAML");
    let asked = &file["scrape_configs"][0]["dns_sd_configs"][0];
    let names: BTreeSet<&str> = asked["names"]
        .as_sequence()
        .expect("names")
        .iter()
        .filter_map(serde_yaml_ng::Value::as_str)
        .collect();
    let there: BTreeSet<&str> = serving(&compose).map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, there);
    let port = asked["port"].as_u64().expect("a port");
    for (name, service) in serving(&compose) {
        let listens = service.options("--listen");
        assert_eq!(listens, [format!("0.0.0.0:{port}")], "{name}");
    }
}

#[tokio::test]
async fn a_process_of_workers_shows_health_and_every_metric_of_the_dashboard() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::defaults();
    config.data.path = dir.path().join("troupe.db");
    let roles = Roles {
        health: "127.0.0.1:0".parse().ok(),
        ..Roles::workers()
    };
    let app = App::start(&config, &roles).await.expect("started");
    let at = app.address().expect("it shows its health");
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{at}{path}"))
            .await
            .expect("asked");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let (status, health) = get("/health/ready").await;
    assert_eq!(status, 200, "{health}");
    let (status, _) = get("/v1/chatbots").await;
    assert_eq!(status, 404, "it is no edge");
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, 200);

    let dashboard: Value =
        serde_json::from_str(&text("deploy/grafana/dashboards/troupe.json")).expect("JSON");
    let drawn: BTreeSet<String> = dashboard["panels"]
        .as_array()
        .expect("panels")
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"))
        .flat_map(|target| names(target["expr"].as_str().expect("an expression")))
        .collect();
    assert!(drawn.len() > 10, "{drawn:?}");
    let watched = names(&text("deploy/alerts.yml"));
    assert!(watched.len() > 5, "{watched:?}");
    let shown = names(&metrics);
    let missing: Vec<&String> = drawn
        .union(&watched)
        .filter(|name| !shown.contains(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "the dashboard or an alert looks at what nobody counts: {missing:?}"
    );
    assert!(app.stop(Duration::from_secs(10)).await.consumers.is_empty());
}

/// By the name of an alert: its expression.
fn alerts() -> BTreeMap<String, String> {
    let file: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&text("deploy/alerts.yml")).expect("YAML");
    let rules = file["groups"][0]["rules"].as_sequence().expect("rules");
    let word = |rule: &serde_yaml_ng::Value, field: &str| {
        let word = rule[field].as_str();
        word.unwrap_or_else(|| panic!("{rule:?} has no {field}"))
            .to_owned()
    };
    let named = rules.iter().map(|rule| {
        let severity = rule["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("page" | "ticket")), "{rule:?}");
        assert!(rule["annotations"]["summary"].is_string(), "{rule:?}");
        (word(rule, "alert"), word(rule, "expr"))
    });
    named.collect()
}

#[test]
fn prometheus_has_the_alerts_and_each_has_a_page() {
    let file: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&text("deploy/prometheus.yml")).expect("YAML");
    assert_eq!(file["rule_files"][0].as_str(), Some("alerts.yml"));
    let mounted = &Compose::read().services["prometheus"].volumes;
    let mount = "./deploy/alerts.yml:/etc/prometheus/alerts.yml:ro".to_owned();
    assert!(mounted.contains(&mount), "{mounted:?}");

    let pages = super::file::names("docs/operations/alerts");
    let pages: BTreeSet<&str> = pages
        .iter()
        .filter_map(|file| file.strip_suffix(".md"))
        .filter(|page| *page != "README")
        .collect();
    let alerts = alerts();
    let alerts: BTreeSet<&str> = alerts.keys().map(String::as_str).collect();
    assert_eq!(pages, alerts);
    for page in pages {
        let says = text(&format!("docs/operations/alerts/{page}.md"));
        assert!(says.starts_with(&format!("# {page}\n")), "{page}");
        for question in [
            "What it means",
            "What to look at",
            "What to do",
            "What not to do",
        ] {
            assert!(
                says.contains(&format!("**{question}.**")),
                "{page}: {question}"
            );
        }
    }
}

#[test]
fn an_alert_on_a_consumer_names_one_that_there_is() {
    let map = TopicMap::embedded();
    let all: BTreeSet<&str> = map
        .consumers()
        .map(|(_, spec)| spec.name.as_str())
        .collect();
    let alerts = alerts();
    let mut named = alerts
        .values()
        .filter_map(|expression| expression.split("consumer=\"").nth(1)?.split('"').next());
    assert!(named.clone().count() > 0);
    assert!(named.all(|consumer| all.contains(consumer)));
}

#[test]
fn grafana_finds_its_source_and_its_dashboards() {
    let yaml = |path: &str| -> serde_yaml_ng::Value {
        serde_yaml_ng::from_str(&text(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let sources = yaml("deploy/grafana/provisioning/datasources/prometheus.yml");
    let source = &sources["datasources"][0];
    assert_eq!(source["uid"].as_str(), Some("prometheus"));
    assert_eq!(source["url"].as_str(), Some("http://prometheus:9090"));
    let dashboards = yaml("deploy/grafana/provisioning/dashboards/troupe.yml");
    let path = dashboards["providers"][0]["options"]["path"]
        .as_str()
        .expect("a path");
    let compose = Compose::read();
    let mounted = &compose.services["grafana"].volumes;
    let mount = format!("./deploy/grafana/dashboards:{path}:ro");
    assert!(mounted.contains(&mount), "{mounted:?}");
    let dashboard = text("deploy/grafana/dashboards/troupe.json");
    assert!(dashboard.contains(r#""uid": "prometheus""#));
}
