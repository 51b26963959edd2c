//! What the output should be, from inputs, time and the operator. Pure: no kernel in here.

use crate::config::{Config, Safe, Startup, Treatment};
use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Quality, Timestamp};

/// Who decides about the output now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nobody yet: no input came.
    Starting,
    /// The input.
    Auto,
    /// The operator.
    Override,
    /// The input cannot be trusted: the safe output.
    Safe,
}

impl Mode {
    /// As it is published.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Starting => "starting",
            Mode::Auto => "auto",
            Mode::Override => "override",
            Mode::Safe => "safe",
        }
    }
}

/// The operator's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The output.
    pub state: bool,
    /// Until when; `None` until the operator says otherwise.
    pub until: Option<Timestamp>,
}

/// What survives a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The output, once it was set.
    pub output: Option<bool>,
    /// When it was set.
    pub since: Timestamp,
    /// The operator's word.
    #[serde(rename = "override")]
    pub operator: Option<Override>,
}

/// A sample of the input that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// Its value.
    pub value: f64,
    /// When it was taken.
    pub time: Timestamp,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Who decided.
    pub mode: Mode,
    /// The output to set; `None` leaves it.
    pub output: Option<bool>,
    /// When to look again, even if nothing comes.
    pub again: Option<Duration>,
}

/// The rule's memory.
#[derive(Debug, Clone)]
pub struct Rule {
    config: Config,
    input: Option<Input>,
    /// A bad or uncertain sample asks for the safe output.
    distrusted: bool,
    /// What the last input outside the dead band asked for.
    demand: Option<bool>,
    operator: Option<Override>,
    output: Option<bool>,
    since: Timestamp,
    started: Timestamp,
}

impl Rule {
    /// A rule that starts now, from what survived.
    pub fn new(config: Config, restored: Option<State>, now: Timestamp) -> Self {
        let mut rule = Rule {
            config,
            input: None,
            distrusted: false,
            demand: None,
            operator: None,
            output: None,
            since: Timestamp::from_nanos(0),
            started: now,
        };
        if let Some(state) = restored {
            rule.operator = state.operator;
            rule.output = state.output;
            rule.since = state.since;
            rule.demand = state.output;
        }
        rule
    }

    /// The output, once it was set.
    pub fn output(&self) -> Option<bool> {
        self.output
    }

    /// When the output was set.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The last input that counts.
    pub fn input(&self) -> Option<Input> {
        self.input
    }

    /// The operator's word, as long as it holds.
    pub fn operator(&self, now: Timestamp) -> Option<Override> {
        self.operator
            .filter(|word| word.until.is_none_or(|until| now < until))
    }

    /// What to keep over a restart.
    pub fn state(&self) -> State {
        State {
            output: self.output,
            since: self.since,
            operator: self.operator,
        }
    }

    /// The operator decides, or (`None`) leaves it to the input.
    pub fn set_operator(&mut self, word: Option<Override>) {
        self.operator = word;
    }

    /// The output was set.
    pub fn set_output(&mut self, output: bool, now: Timestamp) {
        if self.output != Some(output) {
            self.output = Some(output);
            self.since = now;
        }
    }

    /// Takes a sample. One that is older than the last is left out.
    pub fn take(&mut self, sample: Input) {
        if self.input.is_some_and(|input| sample.time < input.time) {
            return;
        }
        let quality = if sample.value.is_nan() {
            Quality::Bad
        } else {
            sample.quality
        };
        let treatment = match quality {
            Quality::Good => Treatment::Accept,
            Quality::Uncertain => self.config.uncertain,
            Quality::Bad => self.config.bad,
        };
        match treatment {
            // A sample without a number decides nothing, whatever the configuration says.
            Treatment::Accept if sample.value.is_nan() => {}
            Treatment::Accept => {
                self.distrusted = false;
                self.demand = self.config.threshold.decide(sample.value).or(self.demand);
                self.input = Some(Input { quality, ..sample });
            }
            Treatment::Ignore => {}
            Treatment::Safe => self.distrusted = true,
        }
    }

    /// What to do now.
    pub fn decide(&self, now: Timestamp) -> Decision {
        if let Some(word) = self.operator(now) {
            return Decision {
                mode: Mode::Override,
                output: Some(word.state),
                again: word.until.map(|until| until.since(now)),
            };
        }
        let stale_in = self.stale_in(now);
        if self.distrusted || stale_in == Some(Duration::ZERO) {
            let hold = self.config.safe == Safe::Hold;
            let output = if hold {
                self.output
            } else {
                self.config.safe.output()
            };
            return Decision {
                mode: Mode::Safe,
                output,
                again: None,
            };
        }
        if self.input.is_none() {
            let restored = self.output;
            let output = match self.config.startup {
                Startup::Restore => restored.or(self.config.safe.output()),
                Startup::Safe => self.config.safe.output().or(restored),
                Startup::Wait => None,
            };
            return Decision {
                mode: Mode::Starting,
                output,
                again: stale_in,
            };
        }
        // In the dead band from the start, the output stays what it is; off if it was never set.
        let wanted = self
            .demand
            .or(self.output)
            .unwrap_or(self.config.safe == Safe::On);
        let wait = self.must_stay(wanted, now);
        let again = [wait, stale_in].into_iter().flatten().min();
        let output = if wait.is_some() {
            self.output
        } else {
            Some(wanted)
        };
        Decision {
            mode: Mode::Auto,
            output,
            again,
        }
    }

    /// How long the output must stay as it is before it may become `wanted`.
    fn must_stay(&self, wanted: bool, now: Timestamp) -> Option<Duration> {
        let output = self.output?;
        if output == wanted {
            return None;
        }
        let least = if output {
            self.config.min_on
        } else {
            self.config.min_off
        };
        let left = least.saturating_sub(now.since(self.since));
        (!left.is_zero()).then_some(left)
    }

    /// When the input becomes too old, counted from the start while there is none; zero when it is.
    fn stale_in(&self, now: Timestamp) -> Option<Duration> {
        let taken = self.input.map_or(self.started, |input| input.time);
        Some(self.config.max_age?.saturating_sub(now.since(taken)))
    }
}
