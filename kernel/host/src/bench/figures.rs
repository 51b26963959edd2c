//! What a measurement comes to: quantiles beside a goal.

use serde::Serialize;

use crate::language::{Text, say};
use crate::output::Table;

/// One line of the report. Spans are in nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// How often.
    pub samples: usize,
    /// Half of them took no longer.
    pub p50: u64,
    /// 99 in a hundred took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
    /// What [`Row::p99`] should be at most, where the design says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<u64>,
}

impl Row {
    /// Sums up; a row of nothing is all zero.
    pub fn new(what: impl Into<String>, mut spans: Vec<u64>) -> Self {
        spans.sort_unstable();
        let quantile = |hundredths: usize| {
            let rank = (spans.len() * hundredths).div_ceil(100);
            spans.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self {
            what: what.into(),
            samples: spans.len(),
            p50: quantile(50),
            p99: quantile(99),
            max: spans.last().copied().unwrap_or(0),
            goal: None,
        }
    }

    /// The same with a goal for its p99.
    pub fn with_goal(mut self, goal: u64) -> Self {
        self.goal = Some(goal);
        self
    }
}

/// For people.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new([
        Text::same(""),
        say::bench_column_samples(),
        Text::same("P50"),
        Text::same("P99"),
        say::bench_column_longest(),
        say::bench_column_goal(),
    ]);
    for row in rows {
        let goal = match row.goal {
            Some(goal) if row.p99 <= goal => say::bench_met(milliseconds(goal)),
            Some(goal) => say::bench_missed(milliseconds(goal)),
            None => Text::same(""),
        };
        table.row([
            indented(&row.what),
            row.samples.to_string(),
            milliseconds(row.p50),
            milliseconds(row.p99),
            milliseconds(row.max),
            goal.to_string(),
        ]);
    }
    table.to_string()
}

/// A row that belongs to the one above is moved in, in each language.
fn indented(what: &str) -> String {
    let words = what.trim_start();
    let blanks = " ".repeat(what.len() - words.len());
    format!("{blanks}{}", Text::told(words))
}

/// Microseconds still show.
fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3} ms", nanoseconds as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_and_a_goal_is_met_or_missed() {
        let row = Row::new("pause", (1..=200).rev().collect());
        assert_eq!(
            (row.samples, row.p50, row.p99, row.max),
            (200, 100, 198, 200)
        );
        let few = Row::new("few", vec![3, 1]);
        assert_eq!((few.p50, few.p99, few.max), (1, 3, 3));
        assert_eq!(Row::new("none", Vec::new()).max, 0);
        let shown = table(&[row.clone().with_goal(198), row.with_goal(197)]);
        assert!(shown.contains("met") && shown.contains("missed"), "{shown}");
    }
}
