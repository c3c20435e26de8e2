//! The process is killed in the middle of its work, again and again; whatever was acknowledged is there, and
//! outputs, state and checkpoint agree.
//!
//! The child is this very test binary, called with one test and an environment variable.
mod check;
mod child;

use super::support::Place;
use crate::CrashPoint;
use check::{Acknowledged, Found};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Where the child finds its file.
const PATH: &str = "TROUPE_TEST_KILL_PATH";
/// What it begins with: message, blob, version.
const BEGIN: &str = "TROUPE_TEST_KILL_BEGIN";
/// Where it dies by itself.
const CRASH_AT: &str = "TROUPE_TEST_KILL_CRASH_AT";

fn start(path: &Path, begin: &Found, crash_at: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "tests::kill::child::the_child_works_until_it_is_killed",
        "--nocapture",
    ]);
    command.env(PATH, path).env(BEGIN, begin.to_string());
    if let Some(crash_at) = crash_at {
        command.env(CRASH_AT, crash_at);
    }
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child said before its end. It is killed after `lines` lines, and a little later.
fn listen(mut child: Child, lines: Option<(usize, u32)>) -> Acknowledged {
    let mut said = Acknowledged::default();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut seen = 0;
    for line in stdout.lines() {
        seen += usize::from(said.note(&line.unwrap()));
        if let Some((_, turns)) = lines.filter(|(lines, _)| seen == *lines) {
            for _ in 0..turns {
                std::hint::spin_loop();
            }
            child.kill().unwrap();
            // What it had said before is still in the pipe.
        }
    }
    let status = child.wait().unwrap();
    assert!(
        matches!(status.signal(), Some(6 | 9)),
        "killed, or died where it should: {status}"
    );
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_nothing_and_double_nothing() {
    let place = Place::new();
    let (mut found, mut random) = (Found::default(), 0x2545_f491_4f6c_dd1du64);
    for round in 0..50 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (lines, turns) = (
            1 + (random >> 33) as usize % 120,
            (random >> 45) as u32 % 50_000,
        );
        let said = listen(start(&place.path(), &found, None), Some((lines, turns)));
        found = check::check(&place, &said, &format!("kill {round}")).await;
    }
    assert!(found.message > 500, "it did something: {found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_point_of_the_commit_path_can_be_the_last() {
    let place = Place::new();
    let mut found = Found::default();
    for point in CrashPoint::ALL {
        for passage in [1, 2, 7] {
            let crash_at = format!("{}:{passage}", point.name());
            let said = listen(start(&place.path(), &found, Some(&crash_at)), None);
            found = check::check(&place, &said, &crash_at).await;
        }
    }
}
