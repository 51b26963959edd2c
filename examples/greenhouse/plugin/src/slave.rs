//! The plugin: serves the greenhouse's registers to every peer of a listener.

use std::collections::BTreeMap;

use serde::Deserialize;
use weihe_modbus::{Asked, BROADCAST, Direction, Frame, Mode, answer, scan, wrap};
use weihe_sdk::prelude::*;

use crate::greenhouse::{Greenhouse, TANK};
use crate::registers::Registers;

/// The timer of the physics.
const STEP: &str = "step";

/// Bytes without any frame after which a peer is closed: it speaks another protocol.
const MAX_GARBAGE: usize = 1024;

/// Most simulated time of one tick, in seconds: a host that slept for a week need not catch up.
const MAX_ADVANCE: f64 = 24.0 * 3600.0;

/// The device's configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The only unit that answers; without it every unit does.
    #[serde(default)]
    pub unit: Option<u8>,
    /// How often the physics moves on.
    #[serde(default = "default_step")]
    pub step: Duration,
    /// Simulated seconds in a second.
    #[serde(default = "default_time_lapse")]
    pub time_lapse: f64,
    /// The time of day at the first start, in hours.
    #[serde(default = "default_hour")]
    pub start_hour: f64,
}

fn default_step() -> Duration {
    Duration::from_millis(200)
}

fn default_time_lapse() -> f64 {
    300.0
}

fn default_hour() -> f64 {
    8.0
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// The whole state.
    Status,
    /// Changes what nature would change, to see what happens.
    Set {
        /// Moisture of the soil, 0 to 100 percent.
        #[serde(default)]
        moisture: Option<f64>,
        /// Water in the tank, in litres.
        #[serde(default)]
        tank: Option<f64>,
        /// Time of day in hours.
        #[serde(default)]
        hour: Option<f64>,
    },
}

/// What a peer has sent so far.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    garbage: usize,
}

/// The slave.
#[derive(Debug)]
pub struct Slave {
    unit: Option<u8>,
    tick: f64,
    connection: Connection,
    registers: Registers,
    inboxes: BTreeMap<Option<PeerId>, Inbox>,
}

impl Slave {
    /// Answers what `frame` asks; none when nobody here is meant.
    fn serve(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let frame = Frame::parse(Mode::Tcp, Direction::Request, bytes).ok()?;
        let meant = |unit: u8| frame.unit == unit || frame.unit == BROADCAST || frame.unit == 255;
        if self.unit.is_some_and(|unit| !meant(unit)) {
            return None;
        }
        // A master that hears nothing counts on a time-out; one that hears an exception does not.
        let pdu = answer(&mut self.registers, frame.pdu)?;
        Some(wrap(Mode::Tcp, frame.transaction, frame.unit, &pdu))
    }
}

impl Plugin for Slave {
    type Config = Config;
    type Command = Command;
    type State = Registers;

    fn describe() -> Description {
        Description::new(
            "greenhouse-slave",
            env!("CARGO_PKG_VERSION"),
            "A simulated greenhouse behind Modbus TCP: soil that dries, a valve that waters it",
        )
        .connection(ConnectionNeed::Required)
        .config_schema(include_str!("schema/config.json"))
        .command(CommandInfo::new("status", "The whole state").answer(r#"{"type":"object"}"#))
        .command(
            CommandInfo::new("set", "Changes moisture, tank or time of day")
                .arguments(include_str!("schema/set.json")),
        )
    }

    fn start(
        ctx: &mut Context,
        config: Config,
        restored: Option<Registers>,
    ) -> Result<Self, Error> {
        if !(config.time_lapse > 0.0 && config.time_lapse <= MAX_ADVANCE) {
            return Err(Error::fatal(format!(
                "`time-lapse` is {}, expected more than 0 and at most {MAX_ADVANCE}",
                config.time_lapse
            )));
        }
        if !(0.0..24.0).contains(&config.start_hour) {
            return Err(Error::fatal(format!(
                "`start-hour` is {}, expected 0 to 24",
                config.start_hour
            )));
        }
        ctx.every_with(STEP, config.step, Every::new().missed(Missed::Once))
            .map_err(|refused| Error::fatal(format!("`step`: {refused}")))?;
        Ok(Slave {
            unit: config.unit,
            tick: config.step.as_secs_f64() * config.time_lapse,
            connection: ctx.connection()?,
            registers: restored
                .unwrap_or_else(|| Registers::new(Greenhouse::new(config.start_hour))),
            inboxes: BTreeMap::new(),
        })
    }

    fn on_timer(&mut self, _: &mut Context, timer: &str, ticks: u64) -> Result<(), Error> {
        if timer == STEP {
            let seconds = (self.tick * ticks as f64).min(MAX_ADVANCE);
            self.registers.greenhouse.advance(seconds);
        }
        Ok(())
    }

    fn on_received(
        &mut self,
        _: &mut Context,
        _connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
        _time: Timestamp,
    ) -> Result<(), Error> {
        let mut inbox = self.inboxes.remove(&peer).unwrap_or_default();
        inbox.bytes.extend_from_slice(bytes);
        let mut replies = Vec::new();
        loop {
            let found = scan(Mode::Tcp, Direction::Request, None, &inbox.bytes, false);
            inbox.bytes.drain(..found.skip);
            inbox.garbage += found.skip;
            let Some(length) = found.frame else {
                break;
            };
            let frame: Vec<u8> = inbox.bytes.drain(..length).collect();
            if Asked::parse(Mode::Tcp, &frame).is_ok() {
                inbox.garbage = 0;
            }
            replies.extend(self.serve(&frame).unwrap_or_default());
        }
        if !replies.is_empty() {
            // A peer that is gone by now has no use for it.
            let _ = self.connection.send(peer, &replies);
        }
        match peer {
            Some(peer) if inbox.garbage > MAX_GARBAGE => self.connection.disconnect(peer),
            _ => {
                self.inboxes.insert(peer, inbox);
            }
        }
        Ok(())
    }

    fn on_peer(
        &mut self,
        _: &mut Context,
        _connection: &str,
        peer: Peer<'_>,
        connected: bool,
    ) -> Result<(), Error> {
        if !connected {
            self.inboxes.remove(&Some(peer.id));
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        _: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let house = &mut self.registers.greenhouse;
        match call.command {
            Command::Status => Answer::json(&self.registers),
            Command::Set {
                moisture,
                tank,
                hour,
            } => {
                let moisture = within("moisture", moisture, 100.0)?;
                let tank = within("tank", tank, TANK)?;
                let hour = within("hour", hour, 24.0)?;
                house.moisture = moisture.unwrap_or(house.moisture);
                house.tank = tank.unwrap_or(house.tank);
                if let Some(hour) = hour {
                    house.seconds += (hour - house.hour()).rem_euclid(24.0) * 3600.0;
                }
                Answer::json(&self.registers)
            }
        }
    }

    fn export_state(&self) -> Option<Registers> {
        Some(self.registers.clone())
    }
}

fn within(key: &str, value: Option<f64>, high: f64) -> Result<Option<f64>, CallError> {
    match value {
        Some(value) if !(0.0..=high).contains(&value) => Err(CallError::invalid_argument(format!(
            "`{key}` is {value}, expected 0 to {high}"
        ))),
        value => Ok(value),
    }
}
