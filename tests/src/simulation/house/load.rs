//! What is asked of the house: chatbots with good sources and bad ones, uploads from two sides, questions, changes,
//! deletions; over HTTP and by systems outside; some of it twice, some of it nonsense.
use super::doors::Doors;
use super::http;
use super::outsiders::Outsiders;
use runtime::ports::log::{Outgoing, Position};
use runtime::testkit::sim::{Random, Sim};

pub const TENANTS: [&str; 2] = ["acme", "bolt"];

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // each is what it says
pub enum Kind {
    Create,
    Delete,
    Upload,
    Replace,
    Remove,
    Ask,
    Update,
    Pause,
    Resume,
    End,
}
impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Delete,
        Self::Upload,
        Self::Replace,
        Self::Remove,
        Self::Ask,
        Self::Update,
        Self::Pause,
        Self::Resume,
        Self::End,
    ];
}

/// A client's command.
#[derive(Clone, Debug)]
pub struct Command {
    pub kind: Kind,
    pub tenant: &'static str,
    /// Its operation.
    pub request: String,
    /// The chatbot that it concerns.
    pub chatbot: String,
    /// Of a system outside: what it said. `None`: it was asked over HTTP.
    pub said: Option<Outgoing>,
}

/// A chatbot that was asked for.
#[derive(Clone, Debug)]
pub struct Bot {
    pub tenant: &'static str,
    pub id: String,
    /// The operation that creates it.
    pub(super) asked: String,
    pub(super) over_http: bool,
    /// The step in which it was asked for.
    pub(super) step: u64,
    /// Documents that it was given, or was to be.
    pub(super) documents: Vec<String>,
    /// Conversations with it.
    pub(super) conversations: Vec<String>,
    /// Somebody asked for its deletion.
    pub(super) deleted: bool,
}

/// Something on an inbox that may not pass.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub place: Position,
    pub code: &'static str,
}

/// Asks.
pub struct Load {
    pub(super) outsiders: Outsiders,
    pub(super) doors: Doors,
    pub(super) http: http::Clients,
    pub(super) random: Random,
    pub bots: Vec<Bot>,
    pub commands: Vec<Command>,
    pub foreign: Vec<Foreign>,
    pub(super) inbox: Vec<Outgoing>,
    seed: u64,
    pub(super) step: u64,
    pub(super) number: u64,
}

/// By which the passages of a tenant are told from another's.
pub fn mark(tenant: &str) -> String {
    format!("property of {tenant}")
}

/// Steps after which a chatbot that a system outside asked for is taken to be there.
const SURELY: u64 = 15;

impl Load {
    pub async fn new(sim: &Sim, doors: &Doors, http: &http::Clients, seed: u64) -> Self {
        Self {
            outsiders: Outsiders::new(sim).await,
            doors: doors.clone(),
            http: http.clone(),
            random: Random::new(seed),
            bots: vec![],
            commands: vec![],
            foreign: vec![],
            inbox: vec![],
            seed,
            step: 0,
            number: 0,
        }
    }

    /// Asks one thing or another. What it is depends on the seed, on the step and on what was asked for before, not on
    /// what has become of that (but for chatbots that are there): so that a step can be left out.
    pub async fn send(&mut self, step: u64) {
        self.random = Random::new(self.seed).stream(&format!("step {step}"));
        (self.step, self.number) = (step, step * 10);
        match self.random.between(0, 99) {
            _ if self.bots.len() < 3 => self.create().await,
            0..10 => self.create().await,
            10..30 => self.upload().await,
            30..38 => self.publish().await,
            38..45 => self.replace().await,
            45..51 => self.remove().await,
            51..74 => self.ask().await,
            74..79 => self.change().await,
            79..82 => self.end().await,
            82..87 => self.delete().await,
            87..92 => self.say_again().await,
            92..97 => self.publish_again().await,
            _ => self.say_nonsense().await,
        }
    }

    /// Who asks: a system outside, or somebody over HTTP.
    pub(super) fn outsiders_say(&mut self) -> bool {
        self.random.chance(350)
    }

    pub(super) fn next(&mut self, what: &str) -> String {
        self.number += 1;
        format!("{what}-{}", self.number)
    }

    /// A chatbot that nobody asked to delete yet. It may be there, or on its way, or its creation was undone: whoever asked
    /// for it chose its id, so they may give it something, and delete it, before they are told that it is there.
    pub(super) fn any(&mut self) -> Option<usize> {
        let any: Vec<usize> = (0..self.bots.len())
            .filter(|&at| !self.bots[at].deleted)
            .collect();
        self.one_of(&any)
    }

    /// One that is there, as whoever asked for it was told.
    pub(super) fn living(&mut self) -> Option<usize> {
        let is_there = |bot: &Bot| match bot.over_http {
            true => self
                .http
                .told(&bot.asked)
                .is_some_and(|told| told.how == "done"),
            false => bot.step + SURELY < self.step,
        };
        let living: Vec<usize> = (0..self.bots.len())
            .filter(|&at| !self.bots[at].deleted && is_there(&self.bots[at]))
            .collect();
        self.one_of(&living)
    }

    fn one_of(&mut self, bots: &[usize]) -> Option<usize> {
        let chosen = self.random.index(bots.len().max(1));
        bots.get(chosen).copied()
    }

    /// One of a chatbot's documents.
    pub(super) fn document(&mut self) -> Option<(usize, String)> {
        let at = self.any()?;
        let documents = self.bots[at].documents.clone();
        let chosen = self.random.index(documents.len().max(1));
        documents.get(chosen).map(|document| (at, document.clone()))
    }

    /// A document of a few sections; one in eight is empty, which nobody can read.
    pub(super) fn content(&mut self, tenant: &str) -> String {
        let number = self.number;
        let sections = self.random.between(1, 4);
        let section = |n: u64| {
            format!(
                "## Part {n}\n\nNotebook {number} of part {n} says that the observatory opens at {} in the \
                 evening, {}.\n\n",
                n + 5,
                mark(tenant)
            )
        };
        match self.random.chance(125) {
            true => String::new(),
            false => (1..=sections).map(section).collect(),
        }
    }
}
