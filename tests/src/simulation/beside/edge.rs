//! The edge without HTTP (H1-H3).
use super::super::business::{self, OPERATIONS};
use super::super::doubles::{FreshIds, LastAnswerWins};
use super::super::load::{self, Load};
use super::super::outside::Outside;
use super::super::seen::seen;
use super::super::trials::document;
use super::unless;
use ::edge::Replies;
use ::edge::testkit::{Begin, Kind, OperationRow, Operations, Say, Subject, Tale};
use events::documents::DocumentReady;
use events::reply::Failed;
use events::{ReplyAddress, ReplyStatus, TenantId};
use runtime::emission::Emitter;
use runtime::engine::{self, Options};
use runtime::testkit::sim::{Sim, SimOptions};
use runtime::{Consumer, Moment};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio::sync::watch;

fn acme() -> TenantId {
    TenantId::new("acme").expect("a tenant")
}

/// H1: a command was a dead letter, which was said; then a person redrives it, and it is done after all.
pub(super) async fn dead_letter_redriven(broken: bool) -> Vec<String> {
    let sim = Sim::new(0, SimOptions::calm());
    Load::topics(&sim);
    let process = sim.process("a");
    let ports = load::ports(&process).await;
    let operations = if broken {
        Consumer::view(OPERATIONS, LastAnswerWins)
    } else {
        Consumer::view(OPERATIONS, Replies)
    };
    let options = Options::new(business::map());
    let running = engine::start(&ports, vec![operations], &options).expect("the wiring is right");
    let to = ReplyAddress {
        topic: "replies".into(),
        key: "acme/op-1".into(),
        partition: None,
        request: "op-1".into(),
        from_outside: false,
    };
    let (emitter, at) = (Emitter::new(&ports), Moment::for_tests("d1"));
    let dead = Failed {
        code: "runtime.attempts_exhausted".into(),
        message: "it was tried 4 times".into(),
        may_have_happened: true,
    };
    let ready = DocumentReady::default();
    let first = emitter.reply(&at, &to, ReplyStatus::Failed, &dead, "first");
    let second = emitter.reply(&at, &to, ReplyStatus::Done, &ready, "second");
    for reply in [first.await, second.await] {
        let reply = reply.expect("a sound reply");
        ports.log.append(vec![reply]).await.expect("no faults");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let told = runtime::queries::view_row(&ports, &Replies, OPERATIONS, &acme(), "op-1").await;
    running.abort();
    let status = told.expect("no faults").status;
    unless(status == Some(ReplyStatus::Failed), || {
        format!("whoever asked was told that it failed, and now reads {status:?}")
    })
}

/// H2: a command is sent, the edge dies before it can note that, and another edge sends it again.
pub(super) async fn sent_again(broken: bool) -> Vec<String> {
    let sim = Sim::new(0, SimOptions::calm());
    Load::topics(&sim);
    let process = sim.process("a");
    let options = Options::new(business::map());
    let consumers = business::consumers(&process, &Outside::new(0));
    let running = engine::start(&load::ports(&process).await, consumers, &options)
        .expect("the wiring is right");
    let mut ports = load::ports(&sim.outside("edge")).await;
    if broken {
        ports.log = Arc::new(FreshIds {
            inner: ports.log,
            appended: AtomicI64::new(0),
        });
    }
    let now_ms = ports.clock.now_ms();
    let (stopping, clock) = (watch::channel(false).1, ports.clock.clone());
    let (operations, _) = Operations::new(ports, 0, stopping);
    let command = Load::new(&sim, 0).await.late_command().await;
    let row = OperationRow {
        kind: Kind::AddDocument,
        fingerprint: "the same".into(),
        principal: "a key".into(),
        created_ms: now_ms,
        deadline_ms: now_ms + 600_000,
        subject: Subject::default(),
        deltas: None,
        parts: vec![],
        command: Some(command),
    };
    let id = "op-0".to_owned();
    let begun = operations.begin(&acme(), vec![Begin { id, row }]).await;
    assert!(begun.is_ok(), "it is begun");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let again = operations.send_again(clock.now_ms()).await;
    assert_eq!(again.ok(), Some(1), "it is sent again");
    tokio::time::sleep(Duration::from_secs(20)).await;
    running.abort();
    let (log, answers) = (document(&sim).log, seen(&sim, "replies"));
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.id.as_str()).collect();
    ids.dedup();
    unless(log.len() == 1 && ids.len() == 1, || {
        format!("asked once, it had effect {log:?} and was answered {ids:?}")
    })
}

/// H3: an attempt that was given up goes on speaking while the next one speaks.
pub(super) fn two_attempts_at_once(broken: bool) -> Vec<String> {
    const ATTEMPTS: [&str; 2] = ["It opens at nine.", "It closes at five."];
    /// Attempt, number, whether it begins anew, text.
    const DELTAS: [(i64, i64, bool, &str); 7] = [
        (1, 0, true, "It "),
        (1, 1, false, "opens "),
        (2, 0, true, "It "),
        (1, 2, false, "at nine."),
        (2, 1, false, "closes "),
        (1, 2, false, "at nine."),
        (2, 2, false, "at five."),
    ];
    let (mut tale, mut read, mut latest, mut wrong) =
        (Tale::default(), String::new(), 0, Vec::new());
    let hear = |read: &mut String, says: Vec<Say>| {
        for say in says {
            match say {
                Say::Reset => read.clear(),
                Say::More(text) => read.push_str(&text),
            }
        }
    };
    for (attempt, n, reset, text) in DELTAS {
        latest = attempt.max(latest);
        let taken_for = if broken { latest } else { attempt };
        hear(&mut read, tale.hear(taken_for, n, reset, text));
        let whole = ATTEMPTS[latest as usize - 1];
        if !whole.starts_with(&read) {
            wrong.push(format!("while attempt {latest} speaks, one reads {read:?}"));
        }
    }
    hear(&mut read, tale.finish(2, ATTEMPTS[1]));
    wrong.extend(unless(read == ATTEMPTS[1], || {
        format!("in the end one reads {read:?}")
    }));
    wrong
}
