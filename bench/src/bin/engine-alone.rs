//! Runs messages through the engine alone, for a profiler: `valgrind --tool=callgrind engine-alone 40000 bytes`. What it
//! costs to begin is the same for every number of messages: the difference of two numbers is what messages cost.
use bench::alone::{Alone, AsLog};
use bench::kafka::load::Load;
use bench::kafka::machine::ports;
use bench::kafka::stage::Step;
use bench::machine::{Failed, MAP, PassOn, upload};
use clap::{Parser, ValueEnum};
use events::map::TopicMap;
use runtime::Consumer;
use runtime::engine::{Options, start};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs messages through the engine alone.
#[derive(Parser)]
struct Arguments {
    /// How many.
    messages: usize,
    /// What handles them.
    #[arg(value_enum)]
    what: What,
    /// Over how many keys.
    #[arg(long, default_value_t = 2_000)]
    keys: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A stage that copies bytes.
    Bytes,
    /// A handler that reads a record and answers with another.
    Handler,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let arguments = Arguments::parse();
    let load = Load {
        messages: arguments.messages,
        keys: arguments.keys,
        bytes: 512,
    };
    let directory = tempfile::tempdir()?;
    let nothing = Load {
        messages: 0,
        ..load
    };
    let empty = Alone::new(&nothing, |_| Err("nothing".into()))?;
    let maker = ports(Arc::new(AsLog(empty)), None, &directory).await?;
    let mut made = vec![];
    for n in 0..load.messages {
        let mut message = upload(&maker, n, n % load.keys).await?;
        if arguments.what == What::Bytes {
            message.headers.0.clear();
            message.key = load.key(n).into_bytes().into();
            message.payload = load.value(n).into();
        }
        made.push(message);
    }
    let made = std::sync::Mutex::new(made.into_iter());
    let log = Alone::new(&load, |_| {
        let next = made.lock().map_err(|e| e.to_string())?.next();
        next.ok_or_else(|| "nothing more".into())
    })?;
    drop(made);
    let directory = tempfile::tempdir()?;
    let ports = ports(Arc::new(AsLog(log.clone())), None, &directory).await?;
    let name = events::topic::consumer::DOCUMENTS_EFFECTS;
    let consumer = match arguments.what {
        What::Bytes => Consumer::bytes(name, Step::copying("out", 4)),
        What::Handler => Consumer::handlers(name).handler(PassOn),
    };
    let map = Arc::new(TopicMap::parse(MAP)?);
    let begun = Instant::now();
    let running = start(&ports, vec![consumer], &Options::new(map))?;
    while log.published() < load.messages {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = begun.elapsed();
    let each = took.as_secs_f64() * 1e6 / load.messages as f64;
    println!("{} messages in {took:?}: {each:.2} µs each", load.messages);
    running.stop(Duration::from_secs(10)).await;
    Ok(())
}
