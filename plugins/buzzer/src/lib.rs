#![doc = include_str!("../../../docs/plugins/buzzer.md")]

mod config;
mod score;

pub use config::{Config, Drive};
pub use score::{Note, beeps, rtttl};

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::VecDeque;
use weihe_plugin_kit::{Level, Part, RETRY, Topics, answer, period, share_of, subscribe, wake};
use weihe_sdk::hal::{HalError, Output, OutputOptions, Pwm};
use weihe_sdk::prelude::*;

/// The timer at which a note ends.
const NEXT: &str = "next";

/// How long a beep is when nothing else is asked for.
const BEEP: Duration = Duration::from_millis(100);
/// The most beeps of one command.
const MOST_BEEPS: u32 = 1_000;

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Sounds.
    Tone {
        /// In hertz; without it, the one of beeps.
        frequency: Option<f64>,
        /// For how long; without it until `stop`.
        #[serde(rename = "for")]
        span: Option<Duration>,
    },
    /// Beeps.
    Beep {
        /// How often.
        times: Option<u32>,
        /// How long each is.
        on: Option<Duration>,
        /// How long it is silent between two; as long when not said.
        off: Option<Duration>,
    },
    /// Plays a melody in RTTTL.
    Play {
        /// The melody.
        melody: String,
        /// Again and again.
        #[serde(default)]
        again: bool,
    },
    /// Is silent.
    Stop,
    /// Says what it does.
    Status,
}

/// What is to be played.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Piece {
    /// What comes, the first of it now.
    notes: VecDeque<Note>,
    /// All of it, when it is played again and again.
    again: Vec<Note>,
    /// Since when the first is played.
    since: Option<Timestamp>,
    /// A tone without an end, in hertz.
    held: Option<f64>,
}

impl Piece {
    /// What sounds now, and for how long.
    fn now(&mut self, now: Timestamp) -> (Option<f64>, Option<Duration>) {
        loop {
            let Some(note) = self.notes.front().copied() else {
                if self.again.is_empty() {
                    self.since = None;
                    return (self.held, None);
                }
                self.notes.extend(&self.again);
                continue;
            };
            let since = *self.since.get_or_insert(now);
            let end = since + note.span;
            if now < end {
                return (note.hertz, Some(end.since(now)));
            }
            self.notes.pop_front();
            // The next begins when this one ended, not when that was seen: the tempo holds. After a long absence it
            // goes on from here.
            self.since = Some(if now.since(end) < note.span { end } else { now });
        }
    }
}

/// What makes the sound.
#[derive(Debug)]
pub enum Voice {
    /// Any tone.
    Pwm(Pwm),
    /// One tone.
    Line(Output),
}

/// The plugin.
#[derive(Debug)]
pub struct Buzzer {
    config: Config,
    voice: Part<Voice>,
    piece: Piece,
    sounding: Topic,
    /// What was published last.
    said: Option<bool>,
}

impl Plugin for Buzzer {
    type Config = Config;
    type Command = Command;
    type State = Piece;

    fn describe() -> Description {
        Description::new("buzzer", env!("CARGO_PKG_VERSION"), "Tones, patterns and melodies")
            .command(CommandInfo::new("tone", "Sounds").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"frequency":{"type":"number","description":"in hertz"},"for":{"type":["string","number"],"description":"without it until stop"}}}"#,
            ))
            .command(CommandInfo::new("beep", "Beeps").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"times":{"type":"integer","minimum":1},"on":{"type":["string","number"]},"off":{"type":["string","number"]}}}"#,
            ))
            .command(CommandInfo::new("play", "Plays a melody in RTTTL").arguments(
                r#"{"type":"object","required":["melody"],"additionalProperties":false,"properties":{"melody":{"type":"string","description":"like name:d=4,o=5,b=100:8e6,8p,2c"},"again":{"type":"boolean","description":"again and again"}}}"#,
            ))
            .command(CommandInfo::new("stop", "Is silent"))
            .command(CommandInfo::new("status", "Says what it does").answer(r#"{"type":"object"}"#))
            .publishes("plugin/{device}/sounding", "whether it plays something (boolean)")
            .publishes("plugin/{device}/state", "`ready`, or why it cannot sound (text)")
            .config_schema(include_str!("config.schema.json"))
            .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Piece>) -> Result<Self, Error> {
        subscribe(ctx, "follow", config.follow.as_deref())?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        let wiring = config.clone();
        let mut buzzer = Buzzer {
            voice: Part::begin(ctx, &topics, move |ctx| match wiring.drive {
                Drive::Pwm => ctx.pwm(&wiring.line, None).map(Voice::Pwm),
                Drive::Line => {
                    let options = OutputOptions {
                        active: wiring.active.into(),
                        ..OutputOptions::new()
                    };
                    ctx.output(&wiring.line, options).map(Voice::Line)
                }
            })?,
            sounding: topics.get(ctx, "sounding")?,
            piece: restored.unwrap_or_default(),
            said: None,
            config,
        };
        buzzer.act(ctx).ok();
        Ok(buzzer)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if self.config.follow.as_deref() == Some(event.topic)
            && let Some(level) = Level::of(&event)?
        {
            self.piece = Piece {
                held: level.is_on().then_some(self.config.frequency),
                ..Piece::default()
            };
            self.act(ctx).ok();
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        if timer == NEXT || timer == RETRY {
            self.act(ctx).ok();
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        self.piece = match call.command {
            Command::Tone { frequency, span } => {
                let hertz = frequency.unwrap_or(self.config.frequency);
                config::audible("frequency", hertz).map_err(CallError::invalid_argument)?;
                if span.is_some_and(Duration::is_zero) {
                    return Err(CallError::invalid_argument("`for`: 0 s is too short"));
                }
                let note = span.map(|span| Note {
                    hertz: Some(hertz),
                    span,
                });
                Piece {
                    held: span.is_none().then_some(hertz),
                    notes: note.into_iter().collect(),
                    ..Piece::default()
                }
            }
            Command::Beep { times, on, off } => {
                let times = times.unwrap_or(1);
                if !(1..=MOST_BEEPS).contains(&times) {
                    let text = format!("`times`: {times} is not from 1 to {MOST_BEEPS}");
                    return Err(CallError::invalid_argument(text));
                }
                let on = on.unwrap_or(BEEP);
                let off = off.unwrap_or(on);
                if on.is_zero() || off.is_zero() {
                    return Err(CallError::invalid_argument("`on`, `off`: 0 s is too short"));
                }
                Piece {
                    notes: beeps(self.config.frequency, times, on, off).into(),
                    ..Piece::default()
                }
            }
            Command::Play { melody, again } => {
                let wrong = |text| CallError::invalid_argument(format!("`melody`: {text}"));
                let notes = rtttl(&melody).map_err(wrong)?;
                Piece {
                    again: if again { notes.clone() } else { Vec::new() },
                    notes: notes.into(),
                    ..Piece::default()
                }
            }
            Command::Stop => Piece::default(),
            Command::Status => return self.status(),
        };
        let done = self.act(ctx);
        answer(ctx, call.id, done, |()| self.status())
    }

    fn export_state(&self) -> Option<Piece> {
        Some(self.piece.clone())
    }
}

impl Buzzer {
    fn is_sounding(&self) -> bool {
        self.piece.held.is_some() || !self.piece.notes.is_empty()
    }

    /// Sounds as it should now, and waits for the end of the note.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let (hertz, next) = self.piece.now(ctx.now());
        let share = self.config.share;
        let done = self.voice.with(ctx, |voice| match (voice, hertz) {
            (Voice::Line(line), hertz) => line.set(hertz.is_some()),
            (Voice::Pwm(channel), None) => channel.enable(false),
            (Voice::Pwm(channel), Some(hertz)) => {
                // What is audible has a period.
                let period = period("frequency", hertz).map_err(HalError::Invalid)?;
                channel.set(period, share_of(period, share))?;
                channel.enable(true)
            }
        });
        let sounding = self.is_sounding();
        if done.is_ok() && self.said != Some(sounding) {
            self.said = Some(sounding);
            ctx.publish_on(self.sounding, sounding);
        }
        wake(ctx, NEXT, next);
        done
    }

    fn status(&self) -> Result<Answer, CallError> {
        Answer::json(&json!({
            "sounding": self.is_sounding(),
            "notes-left": self.piece.notes.len(),
            "fault": self.voice.reason(),
        }))
    }
}

weihe_sdk::plugin!(Buzzer: events, commands, state);
