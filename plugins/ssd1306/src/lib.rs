#![doc = include_str!("../../../docs/plugins/ssd1306.md")]

mod config;
mod panel;

pub use config::{Config, Row};
pub use panel::{Face, Font, Panel};

use config::ADDRESSES;
use panel::{is_on, panel};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use weihe_plugin_kit::{
    Ask, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, i2c_keys, sensor_schema,
};
use weihe_sdk::hal::I2c;
use weihe_sdk::prelude::*;

/// The timer that paints.
const PAINT: &str = "paint";

/// From a change until it is painted: eyes see no more, and changes that come together are painted at once.
const PAUSE: Duration = Duration::from_millis(100);

/// What stands where there is no value, or none that is to be trusted.
const NOTHING: &str = "--";

/// The commands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Looks now.
    Read,
    /// How things are.
    Status,
    /// Shows a text in a row.
    Text {
        /// From 0.
        row: usize,
        /// The text.
        text: String,
    },
    /// Shows a bar in a row.
    Bar {
        /// From 0.
        row: usize,
        /// How much of it is filled, from 0 to 1.
        share: f64,
        /// What stands before it.
        #[serde(default)]
        text: String,
    },
    /// Leaves a row, or all, to the configuration again.
    Clear {
        /// From 0.
        row: Option<usize>,
    },
}

/// The display.
pub struct Display {
    bus: I2c,
    panel: Box<dyn Panel>,
    config: Config,
    /// What each row is to show by its topic.
    faces: Vec<Face>,
    /// What a command has it show instead.
    said: Vec<Option<Face>>,
    /// What is on the display.
    painted: Vec<Option<Face>>,
    is_set: bool,
}

impl Display {
    fn wanted(&self, row: usize) -> Option<&Face> {
        let said = self.said.get(row).and_then(Option::as_ref);
        said.or_else(|| self.faces.get(row))
    }

    /// The kernel's words for what the driver has none.
    fn fault(&mut self, error: &str) -> Fault {
        match is_on(&mut self.bus, self.config.address) {
            Err(fault) => fault,
            Ok(_) => Fault::new(format!("{}: {error}", self.what())),
        }
    }

    fn paint(&mut self) -> Result<(), Fault> {
        let mut done = Ok(());
        for row in 0..self.faces.len() {
            let wanted = self.wanted(row).cloned();
            let painted = self.painted.get_mut(row);
            let (Some(wanted), Some(painted)) = (wanted, painted) else {
                continue;
            };
            if painted.as_ref() != Some(&wanted) {
                done = done.and(self.panel.paint(self.config.font, row as u32, &wanted));
                *painted = Some(wanted);
            }
        }
        let done = done.and_then(|()| self.panel.flush());
        done.map_err(|error| self.fault(&error))
    }

    fn soon(&self, ctx: &mut Context) {
        if let Err(refused) = ctx.after(PAINT, PAUSE) {
            weihe_sdk::log::error!("timer `{PAINT}`: {refused}");
        }
    }

    fn row(&self, row: usize) -> Result<usize, CallError> {
        let rows = self.faces.len();
        match row < rows {
            true => Ok(row),
            false => Err(CallError::invalid_argument(format!(
                "`row`: there are {rows} rows, from 0"
            ))),
        }
    }

    fn say(&mut self, row: usize, face: Face) -> Result<(), CallError> {
        let row = self.row(row)?;
        if let Some(said) = self.said.get_mut(row) {
            *said = Some(face);
        }
        Ok(self.paint()?)
    }
}

/// What a row shows of a value.
fn face(row: &Row, value: Option<Value<'_>>) -> Face {
    let shown = match value {
        None | Some(Value::None) => NOTHING.to_owned(),
        Some(Value::Float(number)) => format!("{number:.*}", row.decimals.unwrap_or(1)),
        Some(Value::Boolean(is)) => if is { "on" } else { "off" }.to_owned(),
        Some(Value::Text(text)) => text.to_owned(),
        Some(other) => other.to_string(),
    };
    let text = row.text.replace("{}", &shown);
    match row.bar {
        Some([empty, full]) => {
            let number = value.and_then(Value::as_f64).unwrap_or(empty);
            Face::Bar(text, ((number - empty) / (full - empty)).clamp(0.0, 1.0))
        }
        None if row.input.is_some() && row.text.is_empty() => Face::Text(shown),
        None => Face::Text(text),
    }
}

impl Sensor for Display {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "ssd1306",
            env!("CARGO_PKG_VERSION"),
            "Texts and bars on an OLED display with an SSD1306",
        )
        .command(CommandInfo::new("text", "Shows a text in a row").arguments(
            r#"{"type":"object","required":["row","text"],"additionalProperties":false,"properties":{"row":{"type":"integer","minimum":0},"text":{"type":"string"}}}"#,
        ))
        .command(CommandInfo::new("bar", "Shows a bar in a row").arguments(
            r#"{"type":"object","required":["row","share"],"additionalProperties":false,"properties":{"row":{"type":"integer","minimum":0},"share":{"type":"number","minimum":0,"maximum":1},"text":{"type":"string"}}}"#,
        ))
        .command(CommandInfo::new("clear", "Leaves a row, or all, to the configuration again").arguments(
            r#"{"type":"object","additionalProperties":false,"properties":{"row":{"type":"integer","minimum":0}}}"#,
        ))
        .config_schema(&sensor_schema(
            r#""bus""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                r#""height":{"enum":[64,32],"description":"points"}"#.to_owned(),
                r#""font":{"enum":["small","large"]}"#.to_owned(),
                r#""upside-down":{"type":"boolean"}"#.to_owned(),
                r#""contrast":{"type":"integer","minimum":0,"maximum":255}"#.to_owned(),
                r#""rows":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"text":{"type":"string","description":"{} is the value of the input"},"input":{"type":"string","format":"weihe-subscribe","description":"the topic whose value is shown"},"decimals":{"type":"integer","minimum":0,"maximum":9},"bar":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number"},"description":"the numbers at which a bar is empty and full"}}}}"#.to_owned(),
            ]
            .join(","),
        ))
    }

    fn pace(config: &Config) -> Pace {
        config.pace()
    }

    fn topic(config: &Config) -> Option<&str> {
        config.topic.as_deref()
    }

    fn readings(_: &Config) -> Vec<Reading> {
        Vec::new()
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        config
            .check()
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let bus = ctx.i2c(&config.bus)?;
        let blank = || Face::Text(String::new());
        let mut faces: Vec<Face> = config.rows.iter().map(|row| face(row, None)).collect();
        faces.resize_with(config.room(), blank);
        for row in &config.rows {
            if let Some(input) = &row.input {
                ctx.subscribe(input)
                    .map_err(|refused| Error::fatal(format!("config: `rows.input`: {refused}")))?;
            }
        }
        Ok(Display {
            panel: panel(
                bus.clone(),
                config.address,
                config.height,
                config.upside_down,
            ),
            bus,
            said: vec![None; faces.len()],
            painted: vec![None; faces.len()],
            faces,
            config,
            is_set: false,
        })
    }

    fn what(&self) -> String {
        format!(
            "SSD1306 at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        let Config {
            address,
            height,
            upside_down,
            contrast,
            ..
        } = self.config;
        self.is_set = false;
        self.painted.fill(None);
        self.panel = panel(self.bus.clone(), address, height, upside_down);
        let begun = self.panel.begin();
        let begun = begun.and_then(|()| self.panel.contrast(contrast));
        begun.map_err(|error| self.fault(&error))?;
        self.is_set = true;
        self.paint()
    }

    fn step(&mut self, _: &mut Context, _: u32, _: &mut Readings) -> Result<Next, Fault> {
        if !is_on(&mut self.bus, self.config.address)? {
            return Err(Fault::new(format!(
                "{} is off: it was without power",
                self.what()
            )));
        }
        Ok(Next::Done)
    }

    fn failed(&mut self, _: &mut Context) {
        self.is_set = false;
    }

    fn ask(command: &Command) -> Ask {
        match command {
            Command::Read => Ask::Read,
            Command::Status => Ask::Status,
            _ => Ask::Own,
        }
    }

    fn on_command(
        &mut self,
        _: &mut Context,
        _: CallId,
        command: Command,
    ) -> Result<Answer, CallError> {
        match command {
            Command::Text { row, text } => self.say(row, Face::Text(text))?,
            Command::Bar { row, share, text } => {
                if !(0.0..=1.0).contains(&share) {
                    let text = format!("`share`: {share} is not from 0 to 1");
                    return Err(CallError::invalid_argument(text));
                }
                self.say(row, Face::Bar(text, share))?;
            }
            Command::Clear { row } => {
                match row {
                    None => self.said.fill(None),
                    Some(row) => {
                        let row = self.row(row)?;
                        if let Some(said) = self.said.get_mut(row) {
                            *said = None;
                        }
                    }
                }
                self.paint()?;
            }
            Command::Read | Command::Status => {}
        }
        Ok(Answer::none())
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>, _: bool) -> Result<(), Fault> {
        let value = (event.quality != Quality::Bad).then_some(event.value);
        for (row, shown) in self.config.rows.iter().zip(&mut self.faces) {
            if row.input.as_deref() == Some(event.topic) {
                *shown = face(row, value);
            }
        }
        self.soon(ctx);
        Ok(())
    }

    fn on_timer(&mut self, _: &mut Context, timer: &str) -> Result<(), Fault> {
        // A display that is absent gets all of it when it is back.
        match timer {
            PAINT if self.is_set => self.paint(),
            _ => Ok(()),
        }
    }

    fn more(&self) -> Map<String, Json> {
        let rows = (0..self.faces.len()).map(|row| match self.wanted(row) {
            Some(Face::Text(text)) => Json::from(text.as_str()),
            Some(Face::Bar(text, share)) => Json::from(format!("{text} {:.0} %", share * 100.0)),
            None => Json::Null,
        });
        Map::from_iter([("rows".to_owned(), rows.collect())])
    }
}

/// The plugin.
pub type Plugin = Sampling<Display>;

weihe_sdk::plugin!(Plugin: events, commands);
