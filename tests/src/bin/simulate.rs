//! Runs seeds of the simulated house on all cores; says what they broke, and shows a failing one as small as it gets.
//!
//! ```text
//! cargo run --release -p tests --bin simulate -- --seeds 500 [--from 0] [--whole] [--history FILE]
//! cargo run --release -p tests --bin simulate -- --sabotage
//! ```
//! `--whole` leaves a failing seed as it is; `--history` writes all that happened in it (or else in the first one) to a file.
//! Exits 1 if a law was broken, if a seed was too small or did not repeat itself, or if, after 500 seeds, a fault met a call of
//! a port too seldom. `--sabotage` breaks rules of the engine on purpose, and exits 1 if the laws do not notice.
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tests::simulation::house::sabotage;
use tests::simulation::house::shrink::shrink;
use tests::simulation::house::table::{AT_LEAST, ENOUGH_SEEDS, Table};
use tests::simulation::house::{Part, Plan, Seed};

/// A sixth of a seed's time is allocation otherwise.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeds that are run twice: the same seed gives the same history, whatever runs beside it.
const REPEATED: u64 = 8;

/// Lines of a history that are shown; a file has all of them.
const SHOWN: usize = 200;

#[derive(Default)]
struct Options {
    seeds: u64,
    from: u64,
    whole: bool,
    history: Option<String>,
    sabotage: bool,
}

fn options() -> Option<Options> {
    let mut options = Options {
        seeds: ENOUGH_SEEDS,
        ..Options::default()
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seeds" => options.seeds = arguments.next()?.parse().ok()?,
            "--from" => options.from = arguments.next()?.parse().ok()?,
            "--whole" => options.whole = true,
            "--sabotage" => options.sabotage = true,
            "--history" => options.history = Some(arguments.next()?),
            _ => return None,
        }
    }
    Some(options)
}

/// Does all of it, a thread a core.
fn on_all_cores<T: Copy + Sync, R: Send>(
    all: &[T],
    work: impl Fn(T) -> R + Sync,
) -> Vec<(usize, R)> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = all.get(at) else { return };
                    let result = work(*one);
                    done.lock().expect("nobody panics").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics");
    done.sort_by_key(|(at, _)| *at);
    done
}

/// A seed whose history is kept, even if it breaks nothing.
fn told(number: u64) -> Seed {
    Seed::run(&Plan {
        tell: true,
        ..Plan::of(number)
    })
}

/// All seeds; of those that broke nothing the history is forgotten, but for the first ones.
fn run(options: &Options) -> BTreeMap<u64, Seed> {
    let numbers: Vec<u64> = (options.from..options.from + options.seeds).collect();
    let seeds = on_all_cores(&numbers, |number| match number < options.from + REPEATED {
        true => told(number),
        false => Seed::run(&Plan::of(number)),
    });
    seeds
        .into_iter()
        .map(|(at, seed)| (numbers[at], seed))
        .collect()
}

/// Runs the first seeds again, the last one first, on one thread: those whose history is another one now.
fn differing(done: &BTreeMap<u64, Seed>) -> Vec<u64> {
    let first: Vec<(&u64, &Seed)> = done.iter().take(REPEATED as usize).collect();
    let again = first.into_iter().rev();
    let differing = again.filter(|(number, seed)| told(**number).history != seed.history);
    differing.map(|(number, _)| *number).collect()
}

/// Breaks the rules of the engine, one after the other; whether the laws of the house notice all that they are to notice.
fn sabotage() -> bool {
    let began = Instant::now();
    let caught = on_all_cores(&sabotage::CAUGHT_HERE, |rule| {
        let caught = sabotage::caught(rule);
        match &caught {
            Some((number, law)) => println!("{rule:?} is caught by seed {number}: {law}"),
            None => println!("no law of the house catches {rule:?}"),
        }
        caught.is_some()
    });
    println!("in {:.1} s", began.elapsed().as_secs_f64());
    caught.iter().all(|(_, caught)| *caught)
}

fn write(path: &str, history: &str) {
    match std::fs::write(path, history) {
        Ok(()) => println!("{path} has all {} lines", history.lines().count()),
        Err(e) => println!("{path} cannot be written: {e}"),
    }
}

/// Shows a failing seed.
fn show(number: u64, seed: Seed, options: &Options) {
    let plan = Plan::of(number);
    let seed = match options.whole {
        true => seed,
        false => {
            let shrunk = shrink(&plan, seed);
            let parts: Vec<String> = shrunk.plan.parts().iter().map(Part::to_string).collect();
            println!(
                "seed {number}, shrunk in {} runs to {} of {} parts: {}",
                shrunk.runs,
                parts.len(),
                parts.len() + shrunk.plan.without.len(),
                parts.join(", ")
            );
            shrunk.seed
        }
    };
    if let Some(path) = &options.history {
        write(path, &seed.history);
    } else {
        let lines: Vec<&str> = seed.history.lines().collect();
        let shown = lines.len().saturating_sub(SHOWN);
        println!("the last of {} lines (`--history FILE`):", lines.len());
        println!("{}", lines[shown..].join("\n"));
    }
    for broken in seed.broken {
        println!("seed {number} broke {broken}");
    }
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: simulate [--seeds N] [--from S] [--whole] [--history FILE] | --sabotage");
        return ExitCode::from(2);
    };
    if options.sabotage {
        return ExitCode::from(u8::from(!sabotage()));
    }
    let began = Instant::now();
    let done = run(&options);
    let took = began.elapsed().as_secs_f64();
    let (mut table, mut failed) = (Table::default(), false);
    for seed in done.values() {
        table.add(&seed.met);
    }
    println!("{table}");
    let least = |of: fn(&Seed) -> usize| done.values().map(of).min().unwrap_or(0);
    let messages: usize = done.values().map(|seed| seed.messages).sum();
    println!(
        "{} seeds in {took:.1} s, {:.0} a minute: {messages} messages; a seed at least {} messages, {} crashes, {} \
         rebalances",
        done.len(),
        done.len() as f64 * 60.0 / took,
        least(|seed| seed.messages),
        least(|seed| seed.crashes),
        least(|seed| seed.rebalances),
    );
    let small: Vec<u64> = done
        .iter()
        .filter(|(_, seed)| !seed.is_whole())
        .map(|(number, _)| *number)
        .collect();
    if !small.is_empty() {
        println!("too few messages, crashes or rebalances in the seeds {small:?}");
        failed = true;
    }
    let differing = differing(&done);
    if !differing.is_empty() {
        println!("another history the second time: the seeds {differing:?}");
        failed = true;
    }
    let holes = table.holes();
    if !holes.is_empty() {
        if options.seeds >= ENOUGH_SEEDS {
            println!("met fewer than {AT_LEAST} times: {holes:?}");
            failed = true;
        } else {
            println!("(it takes {ENOUGH_SEEDS} seeds to meet every fault at every call)");
        }
    }
    if let (Some(path), Some(seed)) = (&options.history, done.values().next()) {
        write(path, &seed.history);
    }
    let (mut first, mut broken) = (None, 0);
    for (number, seed) in done {
        if seed.broken.is_empty() {
            continue;
        }
        broken += 1;
        println!("seed {number} broke {}", seed.broken[0]);
        first.get_or_insert((number, seed));
    }
    if let Some((number, seed)) = first {
        show(number, seed, &options);
        println!("{broken} seeds broke a law");
        failed = true;
    }
    ExitCode::from(u8::from(failed))
}
