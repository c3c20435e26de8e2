//! `troupe dead-letters`.
use super::output::{clip, duration, patiently, say, say_json, say_table, short};
use super::owner::{How, Owner};
use super::{Common, Failed};
use crate::look::Look;
use crate::wiring::Where;
use edge::{AT_ONCE, Operator, Which, letter_json};
use runtime::dead_letters::{Body, Letter, Place, Plan, Rate};
use runtime::time::rfc3339;
use serde_json::{Value, json};

/// Letters read at a time.
const PAGE: usize = 1_000;

/// Which dead letters, and what to do with them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// On the servers that the configuration names under [cluster], instead of one file
    #[arg(long, global = true)]
    cluster: bool,
}

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The messages that could not be handled
    List {
        #[command(flatten)]
        which: WhichArgs,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// For a program
        #[arg(long)]
        json: bool,
    },
    /// One of them, whole, with its history and its cause; personal fields stay sealed
    Show {
        /// As `list` names it: <topic>/<partition>/<offset>
        place: Place,
        /// For a program
        #[arg(long)]
        json: bool,
    },
    /// Send them to their input once more, as they were, of each key in order
    Redrive {
        #[command(flatten)]
        meant: Meant,
        /// Who does it
        #[arg(long, required_unless_present = "plan")]
        by: Option<String>,
        /// The reason, which is kept
        #[arg(long, required_unless_present = "plan")]
        why: Option<String>,
        /// So many a second, at most: the consumer has other work too
        #[arg(long, value_name = "LETTERS", default_value_t = Rate::USUAL.get(), value_parser = clap::value_parser!(u32).range(1..=i64::from(Rate::MOST)))]
        rate: u32,
        /// Go on, round by round, until the key of the one place is free: what arrives meanwhile too
        #[arg(long, conflicts_with = "plan")]
        follow: bool,
    },
    /// They shall not be handled: their keys wait for them no more
    Discard {
        #[command(flatten)]
        meant: Meant,
        /// Who does it
        #[arg(long, required_unless_present = "plan")]
        by: Option<String>,
        /// The reason, which is kept
        #[arg(long, required_unless_present = "plan")]
        why: Option<String>,
    },
}

/// Which letters. Each narrows it down further.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WhichArgs {
    /// Of this consumer, or of this context
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// With this code
    #[arg(long)]
    code: Option<String>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// With this key: <tenant>/<id>
    #[arg(long)]
    key: Option<String>,
    /// From this time on: 2026-01-31T12:00:00Z, or how long ago: 90m, 12h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl WhichArgs {
    fn which(self) -> Which {
        let Self {
            worker,
            code,
            tenant,
            key,
            since,
            until,
        } = self;
        Which {
            worker,
            code,
            tenant,
            key,
            since,
            until,
        }
    }
}

/// Letters by name, or by what they have in common.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Meant {
    /// As `list` names them: <topic>/<partition>/<offset>
    places: Vec<Place>,
    #[command(flatten)]
    which: WhichArgs,
    /// All there are
    #[arg(long, conflicts_with = "places")]
    all: bool,
    /// Only say how many, of which keys, in which order
    #[arg(long)]
    plan: bool,
    /// For a program
    #[arg(long)]
    json: bool,
}

impl Meant {
    fn which(&self) -> Result<Option<Which>, Failed> {
        let which = self.which.clone().which();
        match (self.places.is_empty(), which.is_all()) {
            (false, true) => Ok(None),
            (true, all) if !all || self.all => Ok(Some(which)),
            (true, _) => Err(Failed::Usage(
                "name letters by their places, or narrow them down (--worker, --code, --tenant, --key, \
                 --since, --until), or take --all"
                    .into(),
            )),
            (false, false) => Err(Failed::Usage(
                "name letters by their places or narrow them down, not both".into(),
            )),
        }
    }
}

pub(super) async fn run(args: Args, common: &Common) -> Result<(), Failed> {
    let (config, at) = (common.config()?, Where::from(args.cluster));
    let look = Look::at(&config, at).await?;
    let operator = look.operator();
    let owner = || Owner::of(&config, at);
    match args.command {
        Command::List { which, limit, json } => {
            let limit = limit as usize;
            let which = which.which();
            let (found, more) = patiently(operator.list(&which, None, limit)).await?;
            if more.is_some() {
                eprintln!("troupe: only the first {limit} are shown; --limit shows more");
            }
            match (json, found.is_empty()) {
                (true, _) => say_json(&found.iter().map(letter_json).collect::<Vec<_>>()),
                (false, true) => {
                    eprintln!("there are no dead letters");
                    Ok(())
                }
                (false, false) => list(&found),
            }
        }
        Command::Show { place, json } => {
            let letter = operator.show(&place).await?;
            let headers = look.headers(&place).await?;
            if json {
                let mut shown = letter_json(&letter);
                shown["headers"] = json!(headers);
                return say_json(&shown);
            }
            show(&letter)?;
            say("headers")?;
            for (name, value) in &headers {
                say(format_args!("  {name}: {value}"))?;
            }
            payload(&letter)
        }
        Command::Redrive {
            meant,
            by,
            why,
            rate,
            follow,
        } => {
            let rate = Rate::per_second(rate).map_err(|e| Failed::Usage(e.to_string()))?;
            if follow && meant.places.len() != 1 {
                let why = "--follow takes the place of one letter: its key is followed";
                return Err(Failed::Usage(why.into()));
            }
            let plan = match meant.which()? {
                Some(which) => patiently(operator.plan(&which)).await?,
                None => patiently(operator.plan_of(&meant.places)).await?,
            };
            drop((operator, look)); // nobody else has the file open, if we are to own it
            let how = by.zip(why).map(|(by, why)| How { by, why, rate });
            match how {
                Some(how) if !meant.plan && follow => {
                    let owner = owner().await?;
                    say_json(&patiently(owner.follow(&meant.places[0], &how)).await?)
                }
                Some(how) if !meant.plan => {
                    let places = match meant.places.is_empty() {
                        true => plan.places(),
                        false => in_order(&plan, &meant.places),
                    };
                    let owner = owner().await?;
                    patiently(redrive(&owner, &places, &how, meant.json)).await
                }
                _ => planned(&plan, rate, meant.json),
            }
        }
        Command::Discard { meant, by, why } => {
            let places = match meant.which()? {
                Some(which) => patiently(waiting(&operator, &which)).await?,
                None => meant.places.clone(),
            };
            drop((operator, look));
            match (by, why) {
                (Some(by), Some(why)) if !meant.plan => {
                    let owner = owner().await?;
                    for some in places.chunks(AT_ONCE) {
                        patiently(owner.discard(some, &by, &why)).await?;
                    }
                    done(
                        json!({"discarded": places}),
                        "discarded",
                        &places,
                        meant.json,
                    )
                }
                _ => done(
                    json!({"places": places}),
                    "would be discarded",
                    &places,
                    meant.json,
                ),
            }
        }
    }
}

/// The letters that nobody has decided about.
async fn waiting(operator: &Operator, which: &Which) -> Result<Vec<Place>, Failed> {
    let (mut places, mut after) = (vec![], None);
    loop {
        let (page, next) = operator.list(which, after.as_ref(), PAGE).await?;
        let open = page.into_iter().filter(|letter| letter.fate.is_open());
        places.extend(open.map(|letter| letter.place));
        match next {
            Some(next) => after = Some(next),
            None => return Ok(places),
        }
    }
}

/// Those that were named, in the order in which they must go; the others as they were named.
fn in_order(plan: &Plan, named: &[Place]) -> Vec<Place> {
    let planned = plan.places();
    let known = planned.iter().filter(|place| named.contains(place));
    let others = named.iter().filter(|place| !planned.contains(place));
    known.chain(others).cloned().collect()
}

fn list(found: &[Letter]) -> Result<(), Failed> {
    let row = |letter: &Letter| {
        vec![
            letter.place.to_string(),
            rfc3339(letter.at_ms),
            letter.code.clone(),
            short(letter.record.as_deref().unwrap_or("?")).to_owned(),
            letter.key.clone(),
            letter.attempts.to_string(),
            letter.fate.to_string(),
            clip(&letter.message, 80),
        ]
    };
    say_table(
        &[
            "place", "at", "code", "record", "key", "tries", "fate", "message",
        ],
        found.iter().map(row).collect(),
    )
}

fn show(letter: &Letter) -> Result<(), Failed> {
    let Letter { place, code, .. } = letter;
    say(format_args!("{place}: {code} at {}", rfc3339(letter.at_ms)))?;
    say(format_args!("  {}", letter.message))?;
    say(format_args!(
        "  {} failed attempts in {}; `troupe explain {code}` says more (docs/errors/{code}.md)",
        letter.attempts, letter.consumer
    ))?;
    say(format_args!("history"))?;
    if let Some(was) = &letter.was {
        say(format_args!(
            "  appended to {}/{}/{} at {}",
            was.topic,
            was.partition,
            was.offset,
            rfc3339(was.timestamp_ms)
        ))?;
    }
    if let Some(before) = &letter.redriven {
        say(format_args!("  redriven from {before}, and died again"))?;
    }
    if !letter.first_failed_at.is_empty() {
        say(format_args!("  first failed at {}", letter.first_failed_at))?;
    }
    if let Some(behind) = &letter.behind {
        say(format_args!("  waits behind the message {behind}"))?;
    }
    let waits = if letter.holds {
        "its key waits for it"
    } else {
        "its key does not wait for it"
    };
    say(format_args!("  {}; {waits}", letter.fate))?;
    match &letter.correlation {
        Some(request) => say(format_args!("cause  `troupe trace {request}`")),
        None => say("cause  unknown"),
    }
}

fn payload(letter: &Letter) -> Result<(), Failed> {
    let record = letter.record.as_deref().unwrap_or("unknown");
    say(format_args!("payload  {record}"))?;
    match &letter.body {
        Body::Json(body) => say_json(body),
        Body::Unreadable(why) => say(format_args!("  unreadable: {why}")),
    }
}

fn planned(plan: &Plan, rate: Rate, json: bool) -> Result<(), Failed> {
    if json {
        return say_json(&json!({"count": plan.count(), "keys": plan.keys}));
    }
    let takes = i64::try_from(rate.time_for(plan.count()).as_millis()).unwrap_or(i64::MAX);
    say(format_args!(
        "{} dead letters of {} keys would be redriven within {}, of each key in this order",
        plan.count(),
        plan.keys.len(),
        duration(takes),
    ))?;
    for key in &plan.keys {
        say(format_args!("{} {}", key.consumer, key.key))?;
        for place in &key.places {
            say(format_args!("  {place}"))?;
        }
    }
    Ok(())
}

async fn redrive(owner: &Owner, places: &[Place], how: &How, json: bool) -> Result<(), Failed> {
    let mut all = json!({"done": [], "settled": [], "behind": [], "missing": []});
    let mut next = tokio::time::Instant::now();
    for some in places.chunks(owner.takes(how.rate)) {
        tokio::time::sleep_until(next).await;
        next = tokio::time::Instant::now() + how.rate.time_for(some.len());
        let mut said = owner.redrive(some, how).await?;
        for (name, list) in all.as_object_mut().into_iter().flatten() {
            if let (Some(list), Some(more)) = (list.as_array_mut(), said[name].as_array_mut()) {
                list.append(more);
            }
        }
    }
    let texts = |name: &str| -> Vec<String> {
        let text = |value: &Value| match value {
            Value::Array(pair) => pair[0].as_str().unwrap_or_default().to_owned(),
            value => value.as_str().unwrap_or_default().to_owned(),
        };
        all[name]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect()
    };
    if json {
        say_json(&all)?;
    } else {
        say(format_args!("{} redriven", texts("done").len()))?;
        for (name, what) in [
            ("settled", "was redriven or discarded before"),
            (
                "behind",
                "waits behind another: redrive or discard that first",
            ),
            ("missing", "is not there (any more)"),
        ] {
            for place in texts(name) {
                say(format_args!("{place} {what}"))?;
            }
        }
    }
    if owner.is_alone() {
        eprintln!("`troupe up` handles them");
    }
    match texts("behind").len() + texts("missing").len() {
        0 => Ok(()),
        left => Err(Failed::Other(format!("{left} were not redriven"))),
    }
}

fn done(value: Value, what: &str, places: &[Place], json: bool) -> Result<(), Failed> {
    if json {
        return say_json(&value);
    }
    say(format_args!("{} {what}", places.len()))?;
    places
        .iter()
        .try_for_each(|place| say(format_args!("  {place}")))
}
