//! The commands of the guides, run as they are written, against the real binary.
//!
//! ```` ```sh ```` blocks of a page are run one after the other in one bash, in a directory that has `examples/` of the
//! repository in it; a ```` ```console ```` block only shows something. A ```` ```text ```` block after a command is what
//! it says: each of its lines stands in its output, in order, where `…` is anything. The address and the key that
//! `troupe up --dev` prints are given as TROUPE and KEY, which the guide itself tells its reader to set.
use super::pages::{blocks, root};
use crate::cli::binary::{Place, troupe};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Says where one block's output ends and the next begins.
const MARK: &str = "=== the end of block";

/// Blocks to run, each with what it says.
struct Script {
    page: &'static str,
    steps: Vec<(usize, String, Vec<String>)>,
}

fn script(page: &'static str, runs: impl Fn(&str) -> bool) -> Script {
    let mut steps: Vec<(usize, String, Vec<String>)> = vec![];
    let mut before = false;
    for block in blocks(page) {
        match block.kind.as_str() {
            "sh" if runs(&block.text) => steps.push((block.line, block.text, vec![])),
            "text" if before => {
                let lines = block.text.lines().filter(|line| !line.trim().is_empty());
                steps
                    .last_mut()
                    .expect("a command before")
                    .2
                    .extend(lines.map(str::to_owned));
            }
            _ => {}
        }
        before = block.kind == "sh" && steps.last().is_some_and(|(line, ..)| *line == block.line);
    }
    Script { page, steps }
}

/// Whether `line` is `wanted`, where `…` is anything.
fn is(line: &str, wanted: &str) -> bool {
    let (line, wanted) = (line.trim(), wanted.trim());
    let Some((first, gaps)) = wanted.split_once('…') else {
        return line == wanted;
    };
    let (between, last) = gaps.rsplit_once('…').unwrap_or(("", gaps));
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    for part in between.split('…') {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Script {
    async fn run(&self, place: &Place, variables: &[(&str, &str)]) {
        let bin = place.path("bin");
        std::fs::create_dir_all(&bin).expect("a directory");
        std::os::unix::fs::symlink(troupe(), bin.join("troupe")).expect("linked");
        std::os::unix::fs::symlink(root().join("examples"), place.path("examples"))
            .expect("linked");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut bash = Command::new("bash");
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TROUPE_"))
        {
            bash.env_remove(name);
        }
        bash.args(["-euo", "pipefail", "-s"])
            .current_dir(place.path(""))
            .env("PATH", format!("{}:{path}", bin.display()))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = bash.spawn().expect("bash runs");
        let mut text = String::new();
        for (line, command, _) in &self.steps {
            text += &format!("{command}\nprintf '\\n%s\\n' '{MARK} {line}'\n");
        }
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(text.as_bytes()).await.expect("written");
        drop(stdin);
        let ended = timeout(crate::cli::binary::PATIENCE, child.wait_with_output()).await;
        let ended = ended.expect("in time").expect("bash ends");
        let (said, complaints) = (
            String::from_utf8_lossy(&ended.stdout).into_owned(),
            String::from_utf8_lossy(&ended.stderr).into_owned(),
        );
        let mut rest = said.as_str();
        for (line, command, wanted) in &self.steps {
            let at = format!("{}:{line}:\n{command}", self.page);
            let Some((output, after)) = rest.split_once(&format!("{MARK} {line}\n")) else {
                panic!("{at}failed (it needs bash, curl and sed):\n{rest}\n{complaints}");
            };
            rest = after;
            let mut lines = output.lines();
            for wanted in wanted {
                assert!(
                    lines.any(|line| is(line, wanted)),
                    "{at}does not say {wanted:?} (next), but\n{output}\n{complaints}"
                );
            }
        }
        assert!(ended.status.success(), "{complaints}");
    }
}

#[tokio::test]
async fn the_guide_to_http_does_what_it_says() {
    let place = Place::new();
    let up = place
        .start(&["up", "--dev", "--listen", "127.0.0.1:0"])
        .await;
    let key = up.key.clone().expect("--dev makes a key");
    let script = script("docs/guides/use-over-http.md", |_| true);
    assert!(script.steps.len() > 8, "the guide has commands");
    script
        .run(&place, &[("TROUPE", &up.ready), ("KEY", &key)])
        .await;
    up.stop().await;
}

#[tokio::test]
async fn the_guide_to_production_does_what_it_says() {
    let place = Place::new();
    let up = place
        .start(&["up", "--dev", "--listen", "127.0.0.1:0"])
        .await;
    let key = up.key.clone().expect("--dev makes a key");
    let script = script("docs/guides/run-in-production.md", |_| true);
    assert!(script.steps.len() > 3, "the guide has commands");
    script
        .run(&place, &[("TROUPE", &up.ready), ("KEY", &key)])
        .await;
    up.stop().await;
}

/// `./tests/run` is what runs this test. The demo, `up` and single tests are run by tests of their own
/// (tests/tests/demo.rs, tests/tests/cli.rs); the bench by whoever measures. All else that these pages tell somebody
/// to type is run here.
#[tokio::test]
async fn what_the_first_pages_say_to_type_is_typed_somewhere() {
    let elsewhere = |text: &str| {
        let lines = text
            .lines()
            .map(|line| line.split(" # ").next().unwrap_or_default().trim());
        let known = [
            "./tests/run",
            "cargo run --release -- demo",
            "cargo run --release -- up --dev",
        ];
        let is_known = |line: &str| {
            known.contains(&line)
                || line.starts_with("cargo test -p ")
                || line.starts_with("cargo run --release -p bench ")
                || line.starts_with("cargo run --release -p tests --bin simulate ")
        };
        lines.clone().all(is_known)
    };
    for page in ["README.md", "CONTRIBUTING.md"] {
        let script = script(page, |text| !elsewhere(text));
        if !script.steps.is_empty() {
            script.run(&Place::new(), &[]).await;
        }
    }
}

#[test]
fn what_a_command_says_is_compared_with_gaps() {
    assert!(is("{\"id\":\"one\",\"n\":3}", "{\"id\":\"one\",…}"));
    assert!(is("exactly", "  exactly"));
    assert!(!is("exactly so", "exactly"));
    assert!(is("exactly so", "exactly…"));
    assert!(!is("so exactly", "exactly…"));
    assert!(is("so exactly", "…exactly"));
    assert!(is("{[{}]}", "{…}"));
    assert!(is("abcab", "a…c…b"));
    assert!(!is("ab", "ab…b"));
}
