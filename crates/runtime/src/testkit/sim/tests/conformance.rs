//! The laws of the ports, held by the simulated cluster while nothing goes wrong in it.
use super::{Sim, SimOptions, SimTopic, simulate};
use crate::testkit::conformance::{blobs, log, search, state};

/// Two processes of a new world.
fn world() -> (Sim, super::SimProcess, super::SimProcess) {
    let sim = Sim::new(1, SimOptions::calm());
    for (name, partitions) in log::TOPICS {
        let topic = SimTopic::new(name, partitions);
        let max_message_bytes = log::MAX_MESSAGE_BYTES;
        sim.topic(SimTopic {
            max_message_bytes,
            ..topic
        });
    }
    let (one, other) = (sim.process("one"), sim.process("other"));
    (sim, one, other)
}

#[test]
fn the_log_keeps_the_laws() {
    simulate(log::all(async || {
        let (sim, one, other) = world();
        let (keep, state) = (Box::new(sim), one.state());
        let (one, other) = (one.log(), other.log());
        log::Logs {
            one,
            other,
            state,
            keep,
        }
    }));
}

#[test]
fn the_state_keeps_the_laws() {
    simulate(state::all(async || {
        let (sim, one, other) = world();
        let (one, other, keep) = (one.state(), other.state(), Box::new(sim));
        state::States { one, other, keep }
    }));
}

#[test]
fn the_index_keeps_the_laws() {
    simulate(search::all(async || {
        let (sim, one, other) = world();
        let (clock, keep) = (one.clock(), Box::new(sim));
        let (one, other) = (one.search(), other.search());
        search::Searches {
            one,
            other,
            clock,
            keep,
        }
    }));
}

#[test]
fn the_blob_store_keeps_the_laws() {
    simulate(blobs::all(async || {
        let (sim, one, other) = world();
        let (one, other, keep) = (one.blobs(), other.blobs(), Box::new(sim));
        blobs::BlobStores { one, other, keep }
    }));
}
