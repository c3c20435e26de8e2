//! The table of figures: medians, spread, targets.

struct Line {
    name: String,
    median: f64,
    spread: (f64, f64),
    unit: &'static str,
    target: Option<(&'static str, f64, bool)>,
}

/// Figures as they are measured.
#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    fn line(&mut self, name: &str, runs: &[f64], unit: &'static str) -> &mut Line {
        let mut sorted = runs.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        let ends = (sorted.first().copied(), sorted.last().copied());
        let spread = (ends.0.unwrap_or(f64::NAN), ends.1.unwrap_or(f64::NAN));
        let at = self.0.len();
        self.0.push(Line {
            name: name.to_owned(),
            median,
            spread,
            unit,
            target: None,
        });
        &mut self.0[at]
    }
    /// A figure without a target.
    pub fn note(&mut self, name: &str, figure: f64, unit: &'static str) {
        self.line(name, &[figure], unit);
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
        self.0
            .iter()
            .any(|line| line.target.is_some_and(|(_, _, met)| !met))
    }
    /// Prints the table on stdout.
    pub fn print(&self) {
        println!(
            "{:<52} {:>12} {:>25} {:>22}",
            "", "median", "least - most", "target"
        );
        for line in &self.0 {
            let target = line.target.map_or_else(String::new, |(how, target, met)| {
                format!("{how} {target:.1} {}", if met { "met" } else { "MISSED" })
            });
            println!(
                "{:<52} {:>9.2} {:<3} {:>11.2} - {:>11.2} {:>22}",
                line.name, line.median, line.unit, line.spread.0, line.spread.1, target
            );
        }
    }
}
