//! Effects on the outside, and the guard before it (O2, O3, G3).
use super::super::doubles::VersionsIgnored;
use super::unless;
use futures::FutureExt;
use runtime::guard::{Outside, Refused};
use runtime::ports::search::Search;
use runtime::testkit::conformance::search::{
    Searches, a_version_that_is_not_above_does_nothing, who_comes_late_changes_nothing,
};
use runtime::testkit::sim::{Sim, SimOptions};
use saga::Saga;
use saga::testkit::Sweep;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

/// O2: the laws of the index for whoever comes late.
pub(super) async fn a_zombie_switches_late(broken: bool) -> Vec<String> {
    let world = || {
        let sim = Sim::new(1, SimOptions::calm());
        let (one, other) = (sim.process("one"), sim.process("other"));
        let switches = Arc::new(AtomicI64::new(1_000));
        let seen = |inner: Arc<dyn Search>| -> Arc<dyn Search> {
            let switches = switches.clone();
            if broken {
                Arc::new(VersionsIgnored { inner, switches })
            } else {
                inner
            }
        };
        Searches {
            one: seen(one.search()),
            other: seen(other.search()),
            clock: one.clock(),
            keep: Box::new(sim),
        }
    };
    let late = AssertUnwindSafe(who_comes_late_changes_nothing(world())).catch_unwind();
    let low = AssertUnwindSafe(a_version_that_is_not_above_does_nothing(world())).catch_unwind();
    let laws = [
        ("who comes late changes something", late.await),
        ("a version that is not above does something", low.await),
    ];
    let broken = laws.into_iter().filter(|(_, kept)| kept.is_err());
    broken.map(|(law, _)| law.to_owned()).collect()
}

/// O3: a step and its undo, with all that can befall them.
pub(super) fn undone_where_it_was_done(broken: bool) -> Vec<String> {
    let saga = Saga::named("charge.v1")
        .step("charge")
        .send(|_: &()| "payments/p1");
    let saga = if broken {
        saga.undo(|_| "payments/p1-undone")
    } else {
        saga.undo(|_| "payments/p1")
    };
    let swept = Sweep::of(&saga, &())
        .addressed_by(|command| (*command).to_owned())
        .run();
    swept.err().map(|law| law.to_string()).into_iter().collect()
}

/// What is said of a URL and of what its name resolves to.
type Guard = fn(&str, &[IpAddr]) -> Result<(), Refused>;

fn whole(url: &str, resolved: &[IpAddr]) -> Result<(), Refused> {
    Outside::parse(url)?.admit(resolved).map(drop)
}
/// It looks at the URL, and not at where its name leads.
fn by_name(url: &str, _: &[IpAddr]) -> Result<(), Refused> {
    Outside::parse(url).map(drop)
}

/// G3: names that lead to addresses within a network.
pub(super) fn names_that_lead_inside(broken: bool) -> Vec<String> {
    let guard: Guard = if broken { by_name } else { whole };
    let inside = [
        "10.1.2.3",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:10.0.0.1",
    ];
    let url = "https://hooks.example.org/call";
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let mut wrong = vec![];
    for text in inside {
        if guard(url, &[address("1.1.1.1"), address(text)]).is_ok() {
            wrong.push(format!("{url} leads to {text}, and is fetched"));
        }
    }
    wrong.extend(unless(guard(url, &[address("1.1.1.1")]).is_ok(), || {
        format!("{url} leads outside, and is refused")
    }));
    wrong
}
