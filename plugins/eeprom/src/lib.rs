#![doc = include_str!("../../../docs/plugins/eeprom.md")]

mod part;

pub use part::Part;

use part::{Memory, NAMES};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use weihe_plugin_kit::{
    Ask, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, address, i2c_keys, sensor_schema,
};
use weihe_sdk::hal::I2cError;
use weihe_sdk::prelude::*;

/// Where a memory is, by the pins A0 to A2.
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x50..=0x57;

/// How often it is looked whether it is there.
const PERIOD: Duration = Duration::from_secs(60);

/// The timer of the write cycle.
const PAGE: &str = "page";

/// The longest write cycle of most parts (AT24C02 data sheet, tWR).
const WRITE_CYCLE: Duration = Duration::from_millis(5);

/// How often a page is tried while the memory is busy with the one before: old parts need 10 ms, none needs 50.
const BUSY: u32 = 10;

/// The most octets of one command: its answer stays readable, and its time on a bus at 100 kHz below half a second.
const MOST: usize = 4_096;

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    bus: String,
    #[serde(default = "usual")]
    address: u8,
    part: Part,
    #[serde(default)]
    read_only: bool,
    topic: Option<String>,
    period: Option<Duration>,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Looks whether it is there.
    Read,
    /// How things are.
    Status,
    /// Reads octets.
    Dump {
        /// From where on.
        #[serde(default)]
        at: u32,
        /// How many.
        count: usize,
    },
    /// Writes octets, and reads them again.
    Write {
        /// From where on.
        at: u32,
        /// In hexadecimal.
        hex: Option<String>,
        /// As text.
        text: Option<String>,
    },
    /// Compares octets with what is there.
    Verify {
        /// From where on.
        at: u32,
        /// In hexadecimal.
        hex: Option<String>,
        /// As text.
        text: Option<String>,
    },
}

/// What is being written.
struct Job {
    call: CallId,
    at: u32,
    data: Vec<u8>,
    /// Octets that were handed to the memory.
    done: usize,
    /// How often it was busy.
    busy: u32,
}

/// The memory.
pub struct Store {
    memory: Memory,
    config: Config,
    job: Option<Job>,
    written: u64,
}

fn fault(error: eeprom24x::Error<I2cError>) -> Fault {
    match error {
        eeprom24x::Error::I2C(error) => error.into(),
        other => Fault::new(format!("{other:?}")),
    }
}

/// Octets of a command: in hexadecimal, where spaces mean nothing, or a text.
fn octets(hex: Option<String>, text: Option<String>) -> Result<Vec<u8>, CallError> {
    let wrong = |text: &str| Err(CallError::invalid_argument(text));
    match (hex, text) {
        (Some(hex), None) => {
            let digits: Option<Vec<u8>> = hex
                .chars()
                .filter(|letter| !letter.is_whitespace())
                .map(|letter| letter.to_digit(16).and_then(|digit| digit.try_into().ok()))
                .collect();
            match digits {
                Some(digits) if digits.len() % 2 == 0 => {
                    let pairs = digits.chunks_exact(2);
                    Ok(pairs
                        .map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit))
                        .collect())
                }
                _ => wrong("`hex`: two digits for each octet, such as \"00 ff 1a\""),
            }
        }
        (None, Some(text)) => Ok(text.into_bytes()),
        _ => wrong("give `hex` or `text`"),
    }
}

impl Store {
    fn range(&self, at: u32, count: usize) -> Result<(), CallError> {
        let size = self.config.part.size();
        if count == 0 || count > MOST {
            let text = format!("1 to {MOST} octets at once, not {count}");
            return Err(CallError::invalid_argument(text));
        }
        let end = u64::from(at) + count as u64;
        if end > u64::from(size) {
            return Err(CallError::invalid_argument(format!(
                "`at`: {count} octets at {at} end behind the memory, which has {size}"
            )));
        }
        Ok(())
    }

    fn read(&mut self, at: u32, count: usize) -> Result<Vec<u8>, Fault> {
        let mut data = vec![0; count];
        self.memory.read_data(at, &mut data).map_err(fault)?;
        Ok(data)
    }

    /// The first octet that is not as wanted, and what is there.
    fn differs(&mut self, at: u32, data: &[u8]) -> Result<Option<(u32, u8)>, Fault> {
        let there = self.read(at, data.len())?;
        let mut pairs = (at..).zip(data.iter().zip(there));
        Ok(pairs.find_map(|(at, (wanted, found))| (*wanted != found).then_some((at, found))))
    }

    /// Hands over the next page, or looks at all of them.
    fn go_on(&mut self, ctx: &mut Context) -> Result<(), Fault> {
        let Some(mut job) = self.job.take() else {
            return Ok(());
        };
        if job.done < job.data.len() {
            let page = self.memory.page_size();
            let at = job.at + job.done as u32;
            let room = page - at as usize % page;
            let rest = job.data.get(job.done..).unwrap_or_default();
            let part = rest.get(..room).unwrap_or(rest);
            match self.memory.write_page(at, part) {
                Ok(()) => {
                    job.done += part.len();
                    job.busy = 0;
                    self.written += 1;
                }
                Err(_) if job.busy < BUSY => job.busy += 1,
                Err(error) => return self.end(ctx, &job, Err(fault(error))),
            }
            self.again(ctx, job);
            return Ok(());
        }
        match self.differs(job.at, &job.data) {
            Ok(None) => self.end(ctx, &job, Ok(None)),
            Ok(Some(where_it_differs)) => self.end(ctx, &job, Ok(Some(where_it_differs))),
            // It is busy with the last page.
            Err(_) if job.busy < BUSY => {
                job.busy += 1;
                self.again(ctx, job);
                Ok(())
            }
            Err(fault) => self.end(ctx, &job, Err(fault)),
        }
    }

    fn again(&mut self, ctx: &mut Context, job: Job) {
        match ctx.after(PAGE, WRITE_CYCLE) {
            Ok(()) => self.job = Some(job),
            Err(refused) => ctx.reply(job.call, Err(CallError::failed(refused.to_string()))),
        }
    }

    fn end(
        &mut self,
        ctx: &mut Context,
        job: &Job,
        outcome: Result<Option<(u32, u8)>, Fault>,
    ) -> Result<(), Fault> {
        let (answer, done) = match outcome {
            Ok(None) => (Answer::json(&json!({"written": job.data.len()})), Ok(())),
            Ok(Some((at, found))) => {
                let text = format!(
                    "octet {at} is {found:#04x} after it was written: the memory is write-protected or worn"
                );
                (Err(CallError::failed(text)), Ok(()))
            }
            Err(fault) => {
                let text = format!(
                    "{fault}; {} of {} octets were written",
                    job.done,
                    job.data.len()
                );
                (Err(CallError::unavailable(text)), Err(fault))
            }
        };
        ctx.reply(job.call, answer);
        done
    }
}

impl Sensor for Store {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        let octets = r#"{"type":"object","required":["at"],"additionalProperties":false,"properties":{"at":{"type":"integer","minimum":0},"hex":{"type":"string"},"text":{"type":"string"}}}"#;
        Description::new("eeprom", env!("CARGO_PKG_VERSION"), "Memories of the family 24Cxx")
            .command(CommandInfo::new("dump", "Reads octets").arguments(
                r#"{"type":"object","required":["count"],"additionalProperties":false,"properties":{"at":{"type":"integer","minimum":0},"count":{"type":"integer","minimum":1,"maximum":4096}}}"#,
            ).answer(r#"{"type":"object","properties":{"hex":{"type":"string"},"text":{"type":["string","null"]}}}"#))
            .command(CommandInfo::new("write", "Writes octets, and reads them again").arguments(octets))
            .command(CommandInfo::new("verify", "Compares octets with what is there").arguments(octets)
                .answer(r#"{"type":"object","properties":{"same":{"type":"boolean"},"differs-at":{"type":"integer"}}}"#))
            .config_schema(&sensor_schema(
                r#""bus","part""#,
                &[
                    i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                    format!(r#""part":{{"enum":[{NAMES}]}}"#),
                    r#""read-only":{"type":"boolean","description":"refuses to write"}"#.to_owned(),
                ]
                .join(","),
            ))
    }

    fn pace(config: &Config) -> Pace {
        Pace {
            period: config.period.unwrap_or(PERIOD),
            ..config.pace.clone()
        }
    }

    fn topic(config: &Config) -> Option<&str> {
        config.topic.as_deref()
    }

    fn readings(_: &Config) -> Vec<Reading> {
        Vec::new()
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let at = address(config.address, ADDRESSES, "a 24Cxx")
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let bus = ctx.i2c(&config.bus)?;
        Ok(Store {
            memory: config.part.open(bus, at),
            config,
            job: None,
            written: 0,
        })
    }

    fn what(&self) -> String {
        format!(
            "memory at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn step(&mut self, _: &mut Context, _: u32, _: &mut Readings) -> Result<Next, Fault> {
        // One that is busy writing is there.
        if self.job.is_none() {
            self.memory.read_byte(0).map_err(fault)?;
        }
        Ok(Next::Done)
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
        ctx: &mut Context,
        id: CallId,
        command: Command,
    ) -> Result<Answer, CallError> {
        if self.job.is_some() {
            return Err(CallError::failed(
                "something is being written: try again in a moment",
            ));
        }
        match command {
            Command::Dump { at, count } => {
                self.range(at, count)?;
                let data = self.read(at, count)?;
                let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
                let text = String::from_utf8(data).ok();
                Answer::json(&json!({"hex": hex, "text": text}))
            }
            Command::Verify { at, hex, text } => {
                let data = octets(hex, text)?;
                self.range(at, data.len())?;
                let differs = self.differs(at, &data)?;
                Answer::json(&match differs {
                    None => json!({"same": true}),
                    Some((at, _)) => json!({"same": false, "differs-at": at}),
                })
            }
            Command::Write { at, hex, text } => {
                if self.config.read_only {
                    return Err(CallError::Denied(
                        "the configuration says `read-only`".to_owned(),
                    ));
                }
                let data = octets(hex, text)?;
                self.range(at, data.len())?;
                self.job = Some(Job {
                    call: id,
                    at,
                    data,
                    done: 0,
                    busy: 0,
                });
                self.go_on(ctx)?;
                Ok(Answer::pending())
            }
            Command::Read | Command::Status => Ok(Answer::none()),
        }
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str) -> Result<(), Fault> {
        match timer {
            PAGE => self.go_on(ctx),
            _ => Ok(()),
        }
    }

    fn more(&self) -> Map<String, Json> {
        Map::from_iter([
            ("size".to_owned(), self.config.part.size().into()),
            ("pages-written".to_owned(), self.written.into()),
        ])
    }
}

/// The plugin.
pub type Plugin = Sampling<Store>;

weihe_sdk::plugin!(Plugin: events, commands);
