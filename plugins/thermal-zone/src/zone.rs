//! How warm is too warm. Pure: no kernel in here.

use serde::{Deserialize, Serialize};

/// How warm it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Below all limits.
    #[default]
    Normal,
    /// Above the first.
    Warning,
    /// Above the second.
    Critical,
}

impl Grade {
    /// As it is published.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Normal => "normal",
            Grade::Warning => "warning",
            Grade::Critical => "critical",
        }
    }
}

/// Where levels begin, in degrees Celsius.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// `warning`.
    pub warning: Option<f64>,
    /// `critical`.
    pub critical: Option<f64>,
    /// A level ends so many degrees below where it begins.
    pub hysteresis: f64,
}

impl Limits {
    /// The level for a temperature, after another.
    pub fn grade(&self, before: Grade, celsius: f64) -> Grade {
        let has = |grade: Grade, limit: Option<f64>| {
            // One that is left needs less.
            let less = if before >= grade {
                self.hysteresis
            } else {
                0.0
            };
            limit.is_some_and(|limit| {
                celsius >= limit - less && (less == 0.0 || celsius > limit - less)
            })
        };
        if has(Grade::Critical, self.critical) {
            Grade::Critical
        } else if has(Grade::Warning, self.warning) {
            Grade::Warning
        } else {
            Grade::Normal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_ends_below_where_it_begins() {
        let limits = Limits {
            warning: Some(70.0),
            critical: Some(90.0),
            hysteresis: 5.0,
        };
        let mut grade = Grade::Normal;
        let mut seen = Vec::new();
        for celsius in [69.9, 70.0, 66.0, 65.0, 95.0, 86.0, 85.0, 60.0] {
            grade = limits.grade(grade, celsius);
            seen.push(grade.name());
        }
        assert_eq!(
            seen,
            [
                "normal", "warning", "warning", "normal", "critical", "critical", "warning",
                "normal"
            ]
        );
    }
}
