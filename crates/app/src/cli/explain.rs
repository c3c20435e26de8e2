//! `troupe explain`: what a code means and what to do, without a browser.
use super::Failed;
use super::output::say;
use crate::config::closest;

/// What to explain.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A code such as `runtime.undecodable`; without one, all there are
    code: Option<String>,
}

pub(super) fn run(args: Args) -> Result<(), Failed> {
    let Some(code) = args.code else {
        return edge::error_codes().into_iter().try_for_each(say);
    };
    match edge::error_page(&code) {
        Some(page) => say(page.trim_end()),
        None => {
            let all = edge::error_codes().into_iter().map(str::to_owned).collect();
            let like = closest(&code, all);
            let like = like.map_or_else(String::new, |like| format!(" (did you mean {like}?)"));
            Err(Failed::Usage(format!(
                "there is no code {code}{like}; `troupe explain` lists them"
            )))
        }
    }
}
