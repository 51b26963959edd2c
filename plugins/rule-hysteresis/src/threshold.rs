//! When to switch.

/// Two thresholds, and nothing happens between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// On below `on`, off above `off`; `on` is the lesser.
    OnBelow {
        /// Below this it is switched on.
        on: f64,
        /// Above this it is switched off.
        off: f64,
    },
    /// On above `on`, off below `off`; `off` is the lesser.
    OnAbove {
        /// Above this it is switched on.
        on: f64,
        /// Below this it is switched off.
        off: f64,
    },
}

impl Threshold {
    /// What an input asks for; `None` between the thresholds (both belong to the middle).
    pub fn decide(self, input: f64) -> Option<bool> {
        let (on, off) = match self {
            Threshold::OnBelow { on, off } => (input < on, input > off),
            Threshold::OnAbove { on, off } => (input > on, input < off),
        };
        if on {
            Some(true)
        } else if off {
            Some(false)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_the_thresholds_nothing_happens() {
        let dry = Threshold::OnBelow {
            on: 20.0,
            off: 30.0,
        };
        assert_eq!(
            [19.9, 20.0, 25.0, 30.0, 30.1].map(|input| dry.decide(input)),
            [Some(true), None, None, None, Some(false)]
        );
        let hot = Threshold::OnAbove {
            on: 30.0,
            off: 20.0,
        };
        assert_eq!(
            [19.9, 20.0, 25.0, 30.0, 30.1].map(|input| hot.decide(input)),
            [Some(false), None, None, None, Some(true)]
        );
    }
}
