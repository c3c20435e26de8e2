//! The double of Qdrant as a program, for tests that need a process: `qdrant-double --listen 127.0.0.1:6334`.
use clap::Parser;
use doubles::qdrant::{Faults, Options, QdrantDouble};
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};

/// A double of Qdrant: a gRPC server that behaves as Qdrant's documentation says, as far as Troupe's tests need it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where it listens; port 0 is any free one. Its URL is printed on stdout.
    #[arg(long, default_value = "127.0.0.1:6334")]
    listen: SocketAddr,
    /// Where it keeps what it was told; without it, in memory only.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Milliseconds after its answer at which a write is applied that did not ask to wait.
    #[arg(long, default_value_t = 20)]
    lag: u64,
    /// What goes wrong from the start, like `upsert: lost times 1; reads: delay=200ms`.
    #[arg(long, env = "QDRANT_DOUBLE_FAULTS", default_value = "")]
    faults: String,
    /// A file with such rules, read again whenever it changes; where it exists its rules replace all others.
    #[arg(long, env = "QDRANT_DOUBLE_FAULTS_FILE")]
    faults_file: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("qdrant-double: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Until it is told to stop.
async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let faults = Faults::default();
    faults.set(Faults::parse(&arguments.faults)?);
    let double = QdrantDouble::start(Options {
        listen: arguments.listen,
        dir: arguments.dir,
        lag: Duration::from_millis(arguments.lag),
        faults,
    })?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", double.url())?;
    out.flush()?;
    let (mut ended, mut interrupted) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = ended.recv() => {}
        _ = interrupted.recv() => {}
        () = follow(arguments.faults_file.as_deref(), double.faults()) => {}
    }
    double.stop().await;
    Ok(())
}

/// Never ends.
async fn follow(file: Option<&Path>, faults: &Faults) {
    let Some(file) = file else {
        return std::future::pending().await;
    };
    let mut seen: Option<(SystemTime, String)> = None;
    loop {
        let now = std::fs::metadata(file).and_then(|is| is.modified());
        let text = std::fs::read_to_string(file);
        if let (Ok(changed), Ok(text)) = (now, text)
            && seen
                .as_ref()
                .is_none_or(|(at, was)| *at != changed || *was != text)
        {
            match Faults::parse(&text) {
                Ok(rules) => faults.set(rules),
                Err(wrong) => eprintln!("{}: {wrong}; the rules before it stay", file.display()),
            }
            seen = Some((changed, text));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
