//! What a line of the board is, and what is connected to it.

use super::world::Source;
use crate::error::HalError;
use crate::gpio::{Bias, Drive, Edges, LineConfig, Mode};

/// What is connected to a line.
#[derive(Debug, Clone)]
pub enum Attached {
    /// Nothing that is known.
    Nothing,
    /// A push button.
    Button(Contact),
    /// A switch that stays.
    Switch(Contact),
    /// A relay.
    Relay,
    /// A light.
    Led,
    /// A motion sensor, whose output is high while something moves and for some time after.
    Pir {
        /// What moves: more than a half is motion.
        motion: Source,
        /// For how long its output stays high, in nanoseconds.
        hold: u64,
    },
    /// A contact of a rotary encoder.
    Encoder,
    /// The trigger of the echo sensor of this number.
    Trigger(usize),
    /// The echo of an echo sensor.
    Echo,
}

impl Attached {
    /// In a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "plain",
            Self::Button(_) => "button",
            Self::Switch(_) => "switch",
            Self::Relay => "relay",
            Self::Led => "led",
            Self::Pir { .. } => "pir",
            Self::Encoder => "encoder",
            Self::Trigger(_) => "trigger",
            Self::Echo => "echo",
        }
    }
}

/// A contact that connects a line to ground or to the supply.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    /// The level of the line while it is closed.
    pub closed: bool,
    /// How many times it opens again before it stays closed, and the other way round.
    pub bounces: u32,
    /// For how long it does, in nanoseconds.
    pub bounce: u64,
}

/// A pin of a device on a bus.
#[derive(Debug, Clone)]
pub struct PinOf {
    /// The bus.
    pub bus: String,
    /// The device's address on it.
    pub address: u16,
}

/// A line of the board.
#[derive(Debug, Clone)]
pub struct LineInfo {
    /// What the board calls it.
    pub name: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// The chip that it belongs to.
    pub chip: String,
    /// What is connected to it.
    pub attached: Attached,
    /// The resistor on the board: up or down.
    pub pull: Option<bool>,
    /// Whether its controller has resistors that can be switched on.
    pub biases: bool,
    /// Whether its controller tells edges.
    pub edges: bool,
    /// Whether it can be an input.
    pub input: bool,
    /// Whether it can be an output.
    pub output: bool,
    /// The device whose pin it is; none for one of the processor's.
    pub pin_of: Option<PinOf>,
    /// Its net.
    pub net: usize,
    /// Its place in the net.
    pub pad: usize,
}

impl LineInfo {
    /// A line to which nothing is connected, in a net that is to be found.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            aliases: Vec::new(),
            chip: name
                .rsplit_once('/')
                .map_or("gpio", |(chip, _)| chip)
                .to_owned(),
            attached: Attached::Nothing,
            pull: None,
            biases: true,
            edges: true,
            input: true,
            output: true,
            pin_of: None,
            net: 0,
            pad: 0,
        }
    }

    /// Whether the line can be used like this.
    pub fn allows(&self, config: &LineConfig) -> Result<(), HalError> {
        let name = &self.name;
        let cannot = |what: String| Err(HalError::Unsupported(what));
        if let Some(PinOf { bus, address }) = &self.pin_of {
            return cannot(format!(
                "{name}: it is a pin of the device {address:#04x} on {bus}; speak to that over the bus"
            ));
        }
        match config.mode {
            Mode::Input {
                bias,
                edges,
                debounce: _,
            } => {
                if !self.input {
                    let what = self.attached.word();
                    return cannot(format!(
                        "{name}: the board has it drive a `{what}`, so it can only be an output"
                    ));
                }
                if matches!(bias, Bias::PullUp | Bias::PullDown) && !self.biases {
                    return cannot(format!(
                        "{name}: its controller has no pull resistors; put one on the board, or open it \
                         without a bias"
                    ));
                }
                if edges != Edges::None && !self.edges {
                    return cannot(format!(
                        "{name}: its controller raises no interrupts for it, so there are no edges; read it \
                         every now and then"
                    ));
                }
            }
            Mode::Output { drive, .. } => {
                if !self.output {
                    return cannot(format!("{name}: it can only be an input"));
                }
                if drive != Drive::PushPull && !self.biases {
                    return cannot(format!("{name}: its controller drives both levels only"));
                }
            }
        }
        Ok(())
    }
}
