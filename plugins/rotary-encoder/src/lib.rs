#![doc = include_str!("../../../docs/plugins/rotary-encoder.md")]

mod config;
mod turning;

pub use config::{Config, Scale};
pub use turning::{Place, Turning};

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_plugin_kit::{Gesture, Part, Push, RETRY, Said, Topics, wake};
use weihe_sdk::hal::{Edge, Edges, HalError, Input, InputOptions};
use weihe_sdk::prelude::*;
use weihe_sdk::{EventIndex, Events};

/// The timer at which something about the push button becomes certain.
const DUE: &str = "due";
/// The timer that reads the lines, in case that their edges come no more.
const LOOK: &str = "look";
/// How often that is.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Sets the value.
    Set {
        /// The value.
        value: f64,
    },
    /// Says where it is.
    Status,
}

/// What survives a swap and a restart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct State {
    place: Place,
    value: f64,
    /// When the last step was.
    stepped: Option<Timestamp>,
    push: Push,
    clicks: i64,
    longs: i64,
}

/// The encoder's lines: its two contacts, and its push button.
type Lines = Vec<Input>;

/// The plugin.
#[derive(Debug)]
pub struct RotaryEncoder {
    config: Config,
    lines: Part<Lines>,
    turning: Turning,
    state: State,
    missed: u64,
    topics: Published,
}

/// Where it publishes.
#[derive(Debug)]
struct Published {
    position: Topic,
    value: Topic,
    turn: Topic,
    pressed: Topic,
    click: Topic,
    double: Topic,
    long: Topic,
}

impl Plugin for RotaryEncoder {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        Description::new(
            "rotary-encoder",
            env!("CARGO_PKG_VERSION"),
            "A knob with steps, acceleration and a push button",
        )
        .command(CommandInfo::new("set", "Sets the value").arguments(
            r#"{"type":"object","required":["value"],"additionalProperties":false,"properties":{"value":{"type":"number"}}}"#,
        ))
        .command(CommandInfo::new("status", "Says where it is").answer(r#"{"type":"object"}"#))
        .publishes("plugin/{device}/position", "steps, clockwise counted up (integer)")
        .publishes("plugin/{device}/value", "within its limits, with acceleration (float)")
        .publishes("plugin/{device}/turn", "the steps just made, below 0 anticlockwise (integer)")
        .publishes("plugin/{device}/pressed", "whether the push button is pressed (boolean)")
        .publishes("plugin/{device}/click", "a click; how many there were (integer)")
        .publishes("plugin/{device}/double", "clicks in a row; how many they are (integer)")
        .publishes("plugin/{device}/long", "a long press has begun; how many there were (integer)")
        .publishes("plugin/{device}/state", "`ready`, or why the lines cannot be read (text)")
        .config_schema(include_str!("config.schema.json"))
        .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        let topics = Topics::new(ctx, config.topic.as_deref());
        let options = InputOptions {
            bias: config.pull.into(),
            active: config.active.into(),
            edges: Edges::Both,
            debounce: Duration::ZERO,
        };
        let names: &[&str] = if config.push {
            &["a", "b", "push"]
        } else {
            &["a", "b"]
        };
        let lines = Part::begin(ctx, &topics, move |ctx| {
            names
                .iter()
                .map(|name| ctx.input(name, options))
                .collect::<Result<Lines, HalError>>()
        })?;
        // After a start of the host it may have been turned meanwhile, which nobody knows.
        let is_swap = restored.is_some() && ctx.incarnation() > 1;
        let state = restored.unwrap_or(State {
            place: Place::default(),
            value: config.start,
            stepped: None,
            push: Push::new(false),
            clicks: 0,
            longs: 0,
        });
        let mut encoder = RotaryEncoder {
            turning: Turning::new(state.place, config.quarters),
            topics: Published {
                position: topics.get(ctx, "position")?,
                value: topics.get(ctx, "value")?,
                turn: topics.get(ctx, "turn")?,
                pressed: topics.get(ctx, "pressed")?,
                click: topics.get(ctx, "click")?,
                double: topics.get(ctx, "double")?,
                long: topics.get(ctx, "long")?,
            },
            lines,
            state,
            missed: 0,
            config,
        };
        let value = state
            .value
            .clamp(encoder.config.scale.min, encoder.config.scale.max);
        encoder.state.value = value;
        let position = encoder.position();
        ctx.publish_on(encoder.topics.position, position);
        ctx.publish_on(encoder.topics.value, value);
        ctx.every(LOOK, LOOK_PERIOD)?;
        if !is_swap {
            encoder.begin(ctx);
        }
        encoder.wait(ctx);
        Ok(encoder)
    }

    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        // Edges of one line come in their order; which line's was first, their times tell.
        let mut edges: Vec<(EventIndex, usize, Edge)> = Vec::new();
        for (index, event) in events.indexed() {
            let lines = self.lines.held().into_iter().flatten().enumerate();
            let found = lines.filter_map(|(line, input)| Some((line, Edge::of(&event, input)?)));
            edges.extend(found.map(|(line, edge)| (index, line, edge)).next());
        }
        edges.sort_by_key(|(_, _, edge)| edge.time);
        for (index, line, edge) in edges {
            ctx.handling(index, |ctx| {
                self.take(ctx, line, edge);
                Ok(())
            });
        }
        self.wait(ctx);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            LOOK | RETRY => self.look(ctx),
            DUE => {
                let said = self.state.push.due(ctx.now(), &self.config.timing);
                self.tell(ctx, said);
            }
            _ => {}
        }
        self.wait(ctx);
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Set { value } => {
                let Scale { min, max, .. } = self.config.scale;
                if !(min..=max).contains(&value) {
                    let text = format!("`value`: {value} is not from `min` to `max`");
                    return Err(CallError::invalid_argument(text));
                }
                self.state.value = value;
                ctx.publish_on(self.topics.value, value);
            }
            Command::Status => {}
        }
        Answer::json(&json!({
            "position": self.position(),
            "value": self.state.value,
            "pressed": self.state.push.is_pressed(),
            "missed": self.missed,
            "fault": self.lines.reason(),
        }))
    }

    fn export_state(&self) -> Option<State> {
        Some(State {
            place: self.turning.place(),
            ..self.state
        })
    }
}

impl RotaryEncoder {
    /// Steps as they count.
    fn signed(&self, steps: i64) -> i64 {
        if self.config.inverted { -steps } else { steps }
    }

    fn position(&self) -> i64 {
        self.signed(self.turning.place().steps)
    }

    fn take(&mut self, ctx: &mut Context, line: usize, edge: Edge) {
        self.missed += edge.missed;
        if line < 2 {
            let steps = self.turning.change(line, edge.active);
            self.turned(ctx, steps, edge.time);
        } else {
            let timing = &self.config.timing;
            let said = self.state.push.edge(edge.active, edge.time, timing);
            self.tell(ctx, said);
        }
    }

    fn levels(&mut self, ctx: &mut Context) -> Option<Vec<bool>> {
        let read = self
            .lines
            .with(ctx, |lines| lines.iter().map(Input::is_active).collect());
        read.ok()
    }

    /// The levels to begin with.
    fn begin(&mut self, ctx: &mut Context) {
        let Some(levels) = self.levels(ctx) else {
            return;
        };
        let steps = self.turning.place().steps;
        let place = Place {
            levels: [levels[0], levels[1]],
            quarters: steps * self.config.quarters,
            steps,
        };
        self.turning = Turning::new(place, self.config.quarters);
        if let Some(pressed) = levels.get(2) {
            self.state.push = Push::new(*pressed);
            ctx.publish_on(self.topics.pressed, *pressed);
        }
    }

    /// Reads the lines: their edges tell the same, unless some were missed.
    fn look(&mut self, ctx: &mut Context) {
        let Some(levels) = self.levels(ctx) else {
            return;
        };
        let now = ctx.now();
        let steps = self.turning.look([levels[0], levels[1]]);
        self.turned(ctx, steps, now);
        if let Some(pressed) = levels.get(2) {
            let said = self.state.push.edge(*pressed, now, &self.config.timing);
            self.tell(ctx, said);
        }
    }

    fn turned(&mut self, ctx: &mut Context, steps: i64, time: Timestamp) {
        if steps == 0 {
            return;
        }
        let since = self
            .state
            .stepped
            .replace(time)
            .map(|before| time.since(before));
        let factor = since.map_or(1.0, |since| self.config.scale.factor(since));
        let steps = self.signed(steps);
        let value = self
            .config
            .scale
            .turn(self.state.value, steps as f64 * factor);
        ctx.publish_on(self.topics.turn, Sample::new(steps).at(time));
        ctx.publish_on(self.topics.position, Sample::new(self.position()).at(time));
        if value != self.state.value {
            self.state.value = value;
            ctx.publish_on(self.topics.value, Sample::new(value).at(time));
        }
    }

    /// Says what of the push button has become certain.
    fn tell(&mut self, ctx: &mut Context, said: Vec<Said>) {
        for said in said {
            match said {
                Said::Pressed(pressed, time) => {
                    ctx.publish_on(self.topics.pressed, Sample::new(pressed).at(time));
                }
                Said::Meant(Gesture::Clicks(1)) => {
                    self.state.clicks += 1;
                    ctx.publish_on(self.topics.click, self.state.clicks);
                }
                Said::Meant(Gesture::Clicks(count)) => {
                    ctx.publish_on(self.topics.double, i64::from(count));
                }
                Said::Meant(Gesture::Long) => {
                    self.state.longs += 1;
                    ctx.publish_on(self.topics.long, self.state.longs);
                }
            }
        }
    }

    fn wait(&mut self, ctx: &mut Context) {
        let (next, now) = (self.state.push.next(&self.config.timing), ctx.now());
        wake(ctx, DUE, next.map(|next| next.since(now)));
    }
}

weihe_sdk::plugin!(RotaryEncoder: events, commands, state);
