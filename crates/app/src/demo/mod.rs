//! `troupe demo`: real documents become a chatbot that answers with citations.
use crate::cli::{Common, Failed};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to show.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Your own documents instead of those that ship with Troupe
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
    /// Your own question; may be given several times
    #[arg(long = "question", value_name = "TEXT")]
    questions: Vec<String>,
    /// Keep the database in this directory
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs it: 0 only if every claim that it printed was checked.
///
/// # Errors
/// [`Failed`].
pub async fn run(args: Args, common: &Common) -> Result<ExitCode, Failed> {
    let _ = (args, common);
    Err(Failed::Other("this build has no demo yet".into()))
}
