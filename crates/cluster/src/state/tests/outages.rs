//! The server is away, frozen, or its answers are lost; then it is back.
use super::*;
use crate::proxy::{Line, Proxy};
use runtime::PortError;
use runtime::ports::state::{Saved, State};
use std::time::Instant;

const IMPATIENT: Duration = Duration::from_millis(500);

/// The server's address with a line in front of it.
async fn behind_a_line() -> (Proxy, String) {
    let url = server();
    let rest = url.strip_prefix("mongodb://").expect("mongodb://");
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().expect("a host");
    let proxy = Proxy::to(host.to_owned()).await;
    let through = url.replacen(host, &proxy.address.to_string(), 1);
    let direct = if through.contains("directConnection=true") {
        through
    } else {
        format!("{through}/?directConnection=true")
    };
    (proxy, direct)
}

fn unreachable<T: std::fmt::Debug>(result: &Result<T, PortError>) -> bool {
    matches!(result, Err(PortError::Unreachable { port: "state", .. }))
}

/// Until a call succeeds: the driver notices in its own time that the server is back.
async fn back(state: &MongoState) {
    let started = Instant::now();
    while state.ping().await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "it comes back");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_every_call_fails_in_time_and_then_goes_on() {
    let (line, url) = behind_a_line().await;
    let state = open(&url, &database(), IMPATIENT).await;
    let ids = ["acme/1".to_owned()];
    assert_eq!(
        state.save(vec![save("acme/1", 0, "a")]).await,
        Ok(vec![Saved::Done])
    );
    for (version, way) in [Line::Down, Line::Frozen].into_iter().enumerate() {
        line.set(way);
        let started = Instant::now();
        assert!(unreachable(&state.load("c", &ids).await), "{way:?}");
        assert!(unreachable(&state.scan("c", "", "", 10).await), "{way:?}");
        assert!(unreachable(&state.due("c", 0, 10).await), "{way:?}");
        assert!(unreachable(&state.sweep("c", 0, 10).await), "{way:?}");
        let nothing = Save {
            row: None,
            ..save("acme/2", 0, "")
        };
        assert!(unreachable(&state.save(vec![nothing]).await), "{way:?}");
        let elapsed = started.elapsed();
        assert!(elapsed < 10 * IMPATIENT, "{way:?}: {elapsed:?}");
        line.set(Line::Open);
        back(&state).await;
        let expected = version as u64 + 1;
        assert_eq!(
            state.save(vec![save("acme/1", expected, "b")]).await,
            Ok(vec![Saved::Done]),
            "{way:?}: it goes on where it was"
        );
    }
    state.drop_database().await.expect("drops");
}

/// The outcome is open, and whoever starts again finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_whose_answer_was_lost_may_have_been_done() {
    let (line, url) = behind_a_line().await;
    let state = open(&url, &database(), IMPATIENT).await;
    assert_eq!(
        state.save(vec![save("acme/0", 0, "a")]).await,
        Ok(vec![Saved::Done])
    );
    line.set(Line::AnswersLost);
    let lost = state.save(vec![save("acme/1", 0, "mine")]).await;
    assert!(unreachable(&lost), "{lost:?}");
    line.set(Line::Open);
    back(&state).await;
    let found = state
        .load("c", &["acme/1".to_owned()])
        .await
        .expect("loads");
    let version = found[0].as_ref().map(|row| row.version);
    assert_eq!(version, Some(1), "this one was done");
    let again = state.save(vec![save("acme/1", 0, "mine")]).await;
    assert_eq!(again, Ok(vec![Saved::Lost]), "it is not done twice");
    state.drop_database().await.expect("drops");
}

#[tokio::test]
async fn no_address_prints_its_password() {
    let options = MongoOptions::new("mongodb://troupe:geheim@127.0.0.1:1/", "d");
    assert!(!format!("{options:?}").contains("geheim"));
    let wrong = MongoOptions::new("mongodb://troupe:geh@eim:x@/%", "d");
    let error = MongoState::open(&wrong).await.err().expect("no address");
    assert!(!error.to_string().contains("eim"), "{error}");
    let away = MongoOptions {
        timeout: Duration::from_millis(50),
        ..options
    };
    let state = MongoState::open(&away).await.expect("opens");
    let error = state.ping().await.expect_err("nobody is there");
    assert!(!error.to_string().contains("geheim"), "{error}");
}

/// SIGKILL between two calls, and in the midst of saving; whatever was said to be done is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_saved_is_there_after_the_server_was_killed() {
    let start = || crate::servers::Own::start("mongo.sh", &["--persistent"]);
    let own = tokio::task::spawn_blocking(start).await.expect("starts");
    let url = own.said("TROUPE_TEST_MONGODB_URL").to_owned();
    let state = std::sync::Arc::new(open(&url, &database(), Duration::from_secs(5)).await);
    let ids: Vec<String> = (0..200).map(|n| format!("acme/{n:03}")).collect();
    let (half, rest) = ids.split_at(100);
    let saves = half.iter().map(|id| save(id, 0, "before")).collect();
    assert_eq!(state.save(saves).await, Ok(vec![Saved::Done; 100]));
    let saving = tokio::spawn({
        let (state, rest) = (std::sync::Arc::clone(&state), rest.to_vec());
        async move {
            let mut done = vec![];
            for id in rest {
                match state.save(vec![save(&id, 0, "during")]).await {
                    Ok(_) => done.push(id),
                    Err(error) => return (done, Some(error)),
                }
            }
            (done, None)
        }
    });
    let mut own = tokio::task::spawn_blocking(move || {
        own.kill();
        own
    })
    .await
    .expect("dies");
    let (done, error) = saving.await.expect("ends");
    assert!(
        done.len() == 100 || matches!(error, Some(PortError::Unreachable { .. })),
        "{error:?}"
    );
    let own = tokio::task::spawn_blocking(move || {
        own.start_again(&[]);
        own
    });
    let _own = own.await.expect("starts again");
    back(&state).await;
    let wanted: Vec<String> = half.iter().cloned().chain(done).collect();
    let found = state.load("c", &wanted).await.expect("loads");
    assert!(found.iter().all(Option::is_some), "nothing was lost");
}
