#![doc = include_str!("../../../docs/plugins/pir.md")]

mod motion;

pub use motion::Motion;

use serde::Deserialize;
use serde_json::json;
use weihe_plugin_kit::{ActiveLevel, Part, Pull, RETRY, Topics, wake};
use weihe_sdk::hal::{Edge, Edges, Input, InputOptions};
use weihe_sdk::prelude::*;

/// The timer at which motion ends, or the sensor is warm.
const DUE: &str = "due";
/// The timer that reads the line, in case that its edges come no more.
const LOOK: &str = "look";
/// How often that is.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// The configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The name of the line.
    pub line: String,
    /// The level when something moves.
    pub active: ActiveLevel,
    /// The resistor at the line.
    pub pull: Pull,
    /// Motion lasts so long after the sensor has seen the last.
    pub hold: Duration,
    /// What the sensor says so soon after the start is uncertain.
    pub warm_up: Duration,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            line: "pir".to_owned(),
            active: ActiveLevel::AsWired,
            pull: Pull::AsIs,
            hold: Duration::from_secs(30),
            // The data sheet of the HC-SR501 speaks of about a minute.
            warm_up: Duration::from_secs(60),
            topic: None,
        }
    }
}

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Says how it is.
    Status,
}

/// The plugin.
#[derive(Debug)]
pub struct Pir {
    config: Config,
    line: Part<Input>,
    motion: Motion,
    moving: Topic,
    count: Topic,
    /// What was published last: motion, and whether it is certain.
    said: Option<(bool, bool)>,
}

impl Plugin for Pir {
    type Config = Config;
    type Command = Command;
    type State = Motion;

    fn describe() -> Description {
        Description::new(
            "pir",
            env!("CARGO_PKG_VERSION"),
            "A motion sensor with a hold time",
        )
        .command(CommandInfo::new("status", "Says how it is").answer(r#"{"type":"object"}"#))
        .publishes(
            "plugin/{device}/motion",
            "whether something moves, or did of late (boolean)",
        )
        .publishes("plugin/{device}/count", "how often motion began (integer)")
        .publishes(
            "plugin/{device}/state",
            "`ready`, or why the line cannot be read (text)",
        )
        .config_schema(include_str!("config.schema.json"))
        .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Motion>) -> Result<Self, Error> {
        let topics = Topics::new(ctx, config.topic.as_deref());
        let options = InputOptions {
            bias: config.pull.into(),
            active: config.active.into(),
            edges: Edges::Both,
            debounce: Duration::ZERO,
        };
        let name = config.line.clone();
        let now = ctx.now();
        let motion = match restored {
            // A later instance: the sensor has had its current all along.
            Some(motion) if ctx.incarnation() > 1 => motion,
            before => Motion::new(
                now + config.warm_up,
                before.map_or(0, |motion| motion.count()),
            ),
        };
        let mut pir = Pir {
            line: Part::begin(ctx, &topics, move |ctx| ctx.input(&name, options))?,
            moving: topics.get(ctx, "motion")?,
            count: topics.get(ctx, "count")?,
            motion,
            said: None,
            config,
        };
        ctx.publish_on(pir.count, pir.motion.count());
        ctx.every(LOOK, LOOK_PERIOD)?;
        pir.look(ctx);
        Ok(pir)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let edge = self.line.held().and_then(|line| Edge::of(&event, line));
        if let Some(edge) = edge {
            self.take(ctx, edge.active, edge.time);
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            LOOK | RETRY => self.look(ctx),
            DUE => self.show(ctx),
            _ => {}
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let now = ctx.now();
        match call.command {
            Command::Status => Answer::json(&json!({
                "motion": self.motion.is_moving(now, self.config.hold),
                "seen-now": self.motion.is_seen(),
                "warm": self.motion.is_warm(now),
                "count": self.motion.count(),
                "fault": self.line.reason(),
            })),
        }
    }

    fn export_state(&self) -> Option<Motion> {
        Some(self.motion)
    }
}

impl Pir {
    fn look(&mut self, ctx: &mut Context) {
        if let Ok(active) = self.line.with(ctx, |line| line.is_active()) {
            let now = ctx.now();
            self.take(ctx, active, now);
        } else {
            self.said = None;
            ctx.publish_on(self.moving, Sample::new(Value::None).quality(Quality::Bad));
        }
    }

    fn take(&mut self, ctx: &mut Context, active: bool, time: Timestamp) {
        if self.motion.take(active, time, self.config.hold) {
            ctx.publish_on(self.count, Sample::new(self.motion.count()).at(time));
        }
        self.show(ctx);
    }

    fn show(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let moving = self.motion.is_moving(now, self.config.hold);
        let warm = self.motion.is_warm(now);
        if self.line.is_ready() && self.said != Some((moving, warm)) {
            self.said = Some((moving, warm));
            let quality = if warm {
                Quality::Good
            } else {
                Quality::Uncertain
            };
            ctx.publish_on(self.moving, Sample::new(moving).quality(quality));
        }
        wake(ctx, DUE, self.motion.next(now, self.config.hold));
    }
}

weihe_sdk::plugin!(Pir: events, commands, state);
