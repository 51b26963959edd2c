#![doc = include_str!("../../../docs/plugins/button.md")]

mod config;

pub use config::Config;

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_plugin_kit::{Gesture, Part, Push, RETRY, Said, Timing, Topics, wake};
use weihe_sdk::hal::{Edge, Edges, Input, InputOptions};
use weihe_sdk::log;
use weihe_sdk::prelude::*;

/// The timer at which something becomes certain: the contact is steady, a press is long, no other click follows.
const DUE: &str = "due";
/// The timer that reads the line, in case that its edges come no more.
const LOOK: &str = "look";
/// How often that is: soon enough to notice a chip that has vanished, and no load for a bus.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Says how the button is.
    Status,
}

/// How often it was pressed, and what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct State {
    push: Push,
    presses: i64,
    clicks: i64,
    doubles: i64,
    longs: i64,
}

/// The plugin.
#[derive(Debug)]
pub struct Button {
    timing: Timing,
    line: Part<Input>,
    state: State,
    missed: u64,
    pressed: Topic,
    presses: Topic,
    click: Topic,
    double: Topic,
    clicks: Topic,
    long: Topic,
}

impl Plugin for Button {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        Description::new(
            "button",
            env!("CARGO_PKG_VERSION"),
            "Clicks, double clicks and long presses of a button",
        )
        .command(
            CommandInfo::new("status", "Says how the button is").answer(r#"{"type":"object"}"#),
        )
        .publishes("plugin/{device}/pressed", "whether it is pressed (boolean)")
        .publishes(
            "plugin/{device}/presses",
            "how often it was pressed (integer)",
        )
        .publishes(
            "plugin/{device}/click",
            "a single click; how many there were (integer)",
        )
        .publishes(
            "plugin/{device}/double",
            "a double click; how many there were (integer)",
        )
        .publishes(
            "plugin/{device}/clicks",
            "clicks in a row have ended; how many they are (integer)",
        )
        .publishes(
            "plugin/{device}/long",
            "a long press has begun; how many there were (integer)",
        )
        .publishes(
            "plugin/{device}/state",
            "`ready`, or why the line cannot be read (text)",
        )
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
        let name = config.line.clone();
        let mut button = Button {
            line: Part::begin(ctx, &topics, move |ctx| ctx.input(&name, options))?,
            pressed: topics.get(ctx, "pressed")?,
            presses: topics.get(ctx, "presses")?,
            click: topics.get(ctx, "click")?,
            double: topics.get(ctx, "double")?,
            clicks: topics.get(ctx, "clicks")?,
            long: topics.get(ctx, "long")?,
            missed: 0,
            state: restored.unwrap_or(State {
                push: Push::new(false),
                presses: 0,
                clicks: 0,
                doubles: 0,
                longs: 0,
            }),
            timing: config.timing(),
        };
        let active = button.state.push.is_pressed();
        ctx.publish_on(button.pressed, active);
        ctx.publish_on(button.presses, button.state.presses);
        ctx.every(LOOK, LOOK_PERIOD)?;
        // Before a swap's edges, which wait and are not to be foretold: the line is read when none is on its way.
        if restored.is_none() {
            button.look(ctx);
        } else {
            button.wait(ctx);
        }
        Ok(button)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let edge = self.line.held().and_then(|line| Edge::of(&event, line));
        let Some(edge) = edge else { return Ok(()) };
        if edge.missed > 0 {
            self.missed += edge.missed;
            log::warn!("{} edges were missed", edge.missed);
        }
        let said = self.state.push.edge(edge.active, edge.time, &self.timing);
        self.tell(ctx, said);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            DUE => {
                let said = self.state.push.due(ctx.now(), &self.timing);
                self.tell(ctx, said);
            }
            LOOK | RETRY => self.look(ctx),
            _ => {}
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Status => Answer::json(&json!({
                "pressed": self.state.push.is_pressed(),
                "presses": self.state.presses,
                "clicks": self.state.clicks,
                "doubles": self.state.doubles,
                "longs": self.state.longs,
                "missed": self.missed,
                "fault": self.line.reason(),
            })),
        }
    }

    fn export_state(&self) -> Option<State> {
        Some(self.state)
    }
}

impl Button {
    /// Reads the line: its edges tell the same, unless some were missed.
    fn look(&mut self, ctx: &mut Context) {
        let Ok(active) = self.line.with(ctx, |line| line.is_active()) else {
            return;
        };
        let said = self.state.push.edge(active, ctx.now(), &self.timing);
        self.tell(ctx, said);
    }

    /// Says what has become certain, and waits for the next.
    fn tell(&mut self, ctx: &mut Context, said: Vec<Said>) {
        for said in said {
            match said {
                Said::Pressed(pressed, time) => {
                    ctx.publish_on(self.pressed, Sample::new(pressed).at(time));
                    if pressed {
                        self.state.presses += 1;
                        ctx.publish_on(self.presses, Sample::new(self.state.presses).at(time));
                    }
                }
                Said::Meant(gesture) => self.meant(ctx, gesture),
            }
        }
        self.wait(ctx);
    }

    fn wait(&mut self, ctx: &mut Context) {
        let (next, now) = (self.state.push.next(&self.timing), ctx.now());
        wake(ctx, DUE, next.map(|next| next.since(now)));
    }

    fn meant(&mut self, ctx: &mut Context, gesture: Gesture) {
        match gesture {
            Gesture::Long => {
                self.state.longs += 1;
                ctx.publish_on(self.long, self.state.longs);
            }
            Gesture::Clicks(count) => {
                ctx.publish_on(self.clicks, i64::from(count));
                match count {
                    1 => {
                        self.state.clicks += 1;
                        ctx.publish_on(self.click, self.state.clicks);
                    }
                    2 => {
                        self.state.doubles += 1;
                        ctx.publish_on(self.double, self.state.doubles);
                    }
                    _ => {}
                }
            }
        }
    }
}

weihe_sdk::plugin!(Button: events, commands, state);

#[cfg(test)]
mod tests;
