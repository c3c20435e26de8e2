//! What the demo tells while it runs: progress on stderr, results on stdout.
use super::evidence::{BrokeOff, Document};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// The longest name that is shown whole, in characters.
const NAME: usize = 28;

/// The narrator.
pub struct Show {
    bars: MultiProgress,
    /// Whether a person watches: lines that change in place.
    live: bool,
    /// With `--json` stdout belongs to the program that reads it.
    json: bool,
}

impl Show {
    /// For a terminal if stderr is one, else line by line.
    pub fn new(json: bool) -> Self {
        let live = std::io::stderr().is_terminal();
        let target = if live {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            live,
            json,
        }
    }

    /// A part of the story begins.
    pub fn step(&self, number: usize, title: &str) {
        self.note(format_args!("\n{number}  {title}"));
    }
    /// What happens, on stderr. Nobody who listens there is no reason to stop.
    pub fn note(&self, text: impl Display) {
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        });
    }
    /// What came out of it, on stdout; on stderr with `--json`.
    pub fn result(&self, text: impl Display) {
        if self.json {
            return self.note(text);
        }
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        });
    }
    /// What ended the demo early.
    pub fn broke_off(&self, broke_off: &BrokeOff) {
        self.note(format_args!(
            "\nIt broke off while: {}\n  {}",
            broke_off.step, broke_off.why
        ));
        if !broke_off.log.is_empty() {
            self.note("the last lines of the working process:");
        }
        for line in &broke_off.log {
            self.note(format_args!("  | {line}"));
        }
    }

    /// Shows documents on their way. What is left of it when it is dropped is taken away.
    pub fn board(&self, documents: &[Document]) -> Board<'_> {
        let total = ProgressBar::new(documents.len() as u64)
            .with_style(style("   [{bar:30}] {pos}/{len} documents ready"));
        let begun = documents
            .iter()
            .filter(|document| !document.generated && !document.state.is_empty());
        let told = begun
            .map(|document| (document.name.clone(), document.state.clone()))
            .collect();
        let mut lines = BTreeMap::new();
        if self.live {
            for document in documents.iter().filter(|document| !document.generated) {
                let line = self.bars.add(
                    ProgressBar::new_spinner().with_style(style("   {spinner} {prefix:28} {msg}")),
                );
                line.set_prefix(clip(&document.name));
                line.set_message(document.state.clone());
                line.enable_steady_tick(Duration::from_millis(100));
                lines.insert(document.name.clone(), line);
            }
            let total = self.bars.add(total.clone());
            total.enable_steady_tick(Duration::from_millis(100));
        }
        Board {
            show: self,
            lines,
            total,
            told,
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("##-").tick_chars("|/-\\ ")
}

fn clip(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

/// Documents on their way.
pub struct Board<'a> {
    show: &'a Show,
    lines: BTreeMap<String, ProgressBar>,
    total: ProgressBar,
    told: BTreeMap<String, String>,
}

impl Board<'_> {
    /// Shows where they are now.
    pub fn update(&mut self, documents: &[Document], passages: &BTreeMap<String, i64>) {
        let mut ready = 0;
        for document in documents {
            ready += u64::from(document.state == "ready");
            if document.generated || self.told.get(&document.name) == Some(&document.state) {
                continue;
            }
            self.told
                .insert(document.name.clone(), document.state.clone());
            let mut text = document.state.clone();
            if document.state == "ready" {
                text = format!(
                    "ready, {} passages",
                    passages.get(&document.id).copied().unwrap_or_default()
                );
            }
            match self.lines.get(&document.name) {
                Some(line) if document.state == "ready" => line.finish_with_message(text),
                Some(line) => line.set_message(text),
                None if !document.state.is_empty() => {
                    self.show
                        .note(format_args!("   {:28} {text}", clip(&document.name)));
                }
                None => {}
            }
        }
        self.total.set_position(ready);
    }
}
impl Drop for Board<'_> {
    fn drop(&mut self) {
        let (ready, all) = (
            self.total.position(),
            self.total.length().unwrap_or_default(),
        );
        self.lines.values().for_each(ProgressBar::abandon);
        self.total.finish_and_clear();
        // What was there stays in view; the next lines go below it.
        let _ = self.show.bars.clear();
        if self.show.live {
            for (name, state) in &self.told {
                self.show.note(format_args!("   {:28} {state}", clip(name)));
            }
        }
        self.show
            .note(format_args!("   {ready} of {all} documents ready"));
    }
}
