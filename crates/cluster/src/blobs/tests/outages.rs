//! The store is away, or not what was thought; nothing prints a key.
use super::*;
use crate::proxy::{Line, Proxy};
use runtime::PortError;
use std::time::{Duration, Instant};

fn unreachable<T: std::fmt::Debug>(result: &Result<T, BlobError>) -> bool {
    matches!(
        result,
        Err(BlobError::Port(PortError::Unreachable {
            port: "blobs",
            ..
        }))
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_every_call_fails_in_time_and_then_goes_on() {
    let direct = options();
    let endpoint = direct.endpoint.clone().expect("an address");
    let host = endpoint.strip_prefix("http://").expect("http");
    let line = Proxy::to(host.to_owned()).await;
    let patience = Duration::from_millis(500);
    let blobs = open(&S3Options {
        endpoint: Some(format!("http://{}", line.address)),
        timeout: patience,
        ..direct
    });
    let one = Bytes::from_static(b"x");
    let put = async |id: &'static str| blobs.put(&acme(), id, content(&one), PLENTY).await;
    assert!(put("before").await.is_ok());
    for way in [Line::Down, Line::Frozen] {
        line.set(way);
        let started = Instant::now();
        assert!(unreachable(&put("during").await), "{way:?}");
        let got = get(&blobs, "before").await;
        assert!(unreachable(&got), "{way:?}: {got:?}");
        assert!(
            unreachable(&blobs.delete(&acme(), "before").await),
            "{way:?}"
        );
        assert!(
            unreachable(&blobs.list(&acme(), "", "", 9).await),
            "{way:?}"
        );
        assert!(blobs.ping().await.is_err(), "{way:?}");
        let elapsed = started.elapsed();
        assert!(elapsed < 30 * patience, "{way:?}: {elapsed:?}");
        line.set(Line::Open);
        assert_eq!(get(&blobs, "before").await, Ok(b"x".to_vec()), "{way:?}");
        assert!(put("during").await.is_ok(), "{way:?}");
    }
    assert_eq!(blobs.ping().await, Ok(()));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_missing_blob() {
    let blobs = open(&S3Options {
        bucket: "no-such-bucket".into(),
        ..options()
    });
    let got = get(&blobs, "a").await;
    assert!(unreachable(&got), "{got:?}");
    let one = Bytes::from_static(b"x");
    let put = blobs.put(&acme(), "a", content(&one), PLENTY).await;
    assert!(unreachable(&put), "{put:?}");
    assert!(blobs.ping().await.is_err());
}

#[tokio::test]
async fn no_key_is_printed() {
    let options = S3Options {
        key: Some(("the-id".into(), "geheim".into())),
        timeout: Duration::from_millis(50),
        ..S3Options::new(Some("http://127.0.0.1:1"), "r", "b")
    };
    let printed = format!("{options:?}");
    assert!(!printed.contains("geheim") && !printed.contains("the-id"));
    let error = open(&options).ping().await.expect_err("nobody is there");
    let error = error.to_string();
    assert!(
        !error.contains("geheim") && !error.contains("the-id"),
        "{error}"
    );
    let open_http = S3Options {
        endpoint: Some("no address".into()),
        ..options
    };
    if let Err(error) = S3Blobs::open(&open_http) {
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
}
