//! The table of figures: medians, spread, targets, and what the disk took meanwhile.

struct Line {
    name: String,
    median: f64,
    spread: (f64, f64),
    unit: &'static str,
    target: Option<(&'static str, f64, bool)>,
    /// Milliseconds of an fdatasync just before the measurement.
    disk: f64,
}

/// Figures as they are measured.
#[derive(Default)]
pub struct Table {
    lines: Vec<Line>,
    disk: f64,
    left_out: Vec<String>,
}

impl Table {
    /// What an fdatasync takes now, in milliseconds: it stands beside the figures that follow.
    pub fn disk(&mut self, milliseconds: f64) {
        self.disk = milliseconds;
    }
    /// What was not measured, and why.
    pub fn left_out(&mut self, what: &str) {
        self.left_out.push(what.to_owned());
    }
    fn line(&mut self, name: &str, runs: &[f64], unit: &'static str) -> &mut Line {
        let mut sorted = runs.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        let ends = (sorted.first().copied(), sorted.last().copied());
        let spread = (ends.0.unwrap_or(f64::NAN), ends.1.unwrap_or(f64::NAN));
        let at = self.lines.len();
        self.lines.push(Line {
            name: name.to_owned(),
            median,
            spread,
            unit,
            target: None,
            disk: self.disk,
        });
        &mut self.lines[at]
    }
    /// A figure without a target.
    pub fn note(&mut self, name: &str, runs: &[f64], unit: &'static str) {
        self.line(name, runs, unit);
    }
    /// A figure that is to be at most `target`.
    pub fn at_most(&mut self, name: &str, runs: &[f64], target: f64, unit: &'static str) {
        let line = self.line(name, runs, unit);
        line.target = Some(("at most", target, line.median <= target));
    }
    /// A figure that is to be at least `target`.
    pub fn at_least(&mut self, name: &str, runs: &[f64], target: f64, unit: &'static str) {
        let line = self.line(name, runs, unit);
        line.target = Some(("at least", target, line.median >= target));
    }
    /// Whether a target was missed.
    pub fn missed(&self) -> bool {
        self.lines
            .iter()
            .any(|line| line.target.is_some_and(|(_, _, met)| !met))
    }
    /// Prints the table on stdout.
    pub fn print(&self) {
        println!(
            "{:<60} {:>14} {:>25} {:>24} {:>14}",
            "", "median", "least - most", "target", "fdatasync"
        );
        for line in &self.lines {
            let target = line.target.map_or_else(String::new, |(how, target, met)| {
                format!("{how} {target:.1} {}", if met { "met" } else { "MISSED" })
            });
            println!(
                "{:<60} {:>10.2} {:<3} {:>11.2} - {:>11.2} {:>24} {:>11.2} ms",
                line.name, line.median, line.unit, line.spread.0, line.spread.1, target, line.disk
            );
        }
        for what in &self.left_out {
            println!("LEFT OUT: {what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let mut table = Table::default();
        table.at_most("a", &[9.0, 1.0, 2.0], 2.0, "ms");
        table.note("b", &[1e9], "ms");
        assert!(!table.missed());
        table.at_least("c", &[9.0, 1.0, 2.0], 3.0, "/s");
        assert!(table.missed());
    }
    #[test]
    fn what_was_not_measured_is_missed() {
        let mut table = Table::default();
        table.at_most("a", &[], 2.0, "ms");
        assert!(table.missed());
    }
}
