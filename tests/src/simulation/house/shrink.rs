//! Less of a seed that still breaks the same law: fewer things asked, fewer disturbances.
use super::{Part, Plan, Seed};

/// Runs spent on it, at most.
const RUNS: usize = 150;

/// What is left of a failing seed.
#[derive(Debug)]
pub struct Shrunk {
    /// With all that could be left out.
    pub plan: Plan,
    /// What it still does.
    pub seed: Seed,
    /// Runs that it took.
    pub runs: usize,
}

/// Shrinks a seed that breaks a law. Parts are left out in ever smaller pieces (delta debugging: Zeller, Hildebrandt, 2002),
/// as long as the first law that was broken still is.
pub fn shrink(plan: &Plan, seed: Seed) -> Shrunk {
    let law = seed.broken.first().map(|broken| broken.law);
    let mut shrunk = Shrunk {
        plan: Plan {
            steps: Some(seed.steps),
            ..plan.clone()
        },
        seed,
        runs: 0,
    };
    let Some(law) = law else {
        return shrunk;
    };
    let mut pieces = 2;
    while shrunk.runs < RUNS {
        let parts: Vec<Part> = shrunk.plan.parts();
        let size = parts.len().div_ceil(pieces).max(1);
        let mut smaller = false;
        for piece in parts.chunks(size) {
            if shrunk.runs >= RUNS {
                break;
            }
            let mut less = shrunk.plan.clone();
            less.without.extend(piece);
            let ended = Seed::run(&less);
            shrunk.runs += 1;
            if ended.broken.iter().any(|broken| broken.law == law) {
                (shrunk.plan, shrunk.seed, smaller) = (less, ended, true);
            }
        }
        if size == 1 && !smaller {
            break;
        }
        pieces = if smaller { pieces } else { pieces * 2 };
    }
    shrunk
}
