//! Microchip MCP23017: sixteen pins on I2C, which are lines of the board.
//!
//! Data sheet DS20001952: registers in 3.2.1 and 3.5, addresses in tables 3-1 and 3-2, interrupts in 3.6.

use super::{Bench, I2cModel, Nack, Seen};

/// The registers, in the order that they have with BANK = 0, one of each port after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Register {
    Direction,
    Polarity,
    InterruptEnable,
    Default,
    Compare,
    Configuration,
    PullUp,
    Flag,
    Capture,
    Port,
    Latch,
}

const ORDER: [Register; 11] = [
    Register::Direction,
    Register::Polarity,
    Register::InterruptEnable,
    Register::Default,
    Register::Compare,
    Register::Configuration,
    Register::PullUp,
    Register::Flag,
    Register::Capture,
    Register::Port,
    Register::Latch,
];

/// Bits of the configuration (3.5.6).
const BANK: u8 = 1 << 7;
const MIRROR: u8 = 1 << 6;
const SEQUENTIAL_OFF: u8 = 1 << 5;
const OPEN_DRAIN: u8 = 1 << 2;
const ACTIVE_HIGH: u8 = 1 << 1;

/// One of both ports.
#[derive(Clone, Copy, Default)]
struct PortState {
    direction: u8,
    polarity: u8,
    enable: u8,
    default: u8,
    compare: u8,
    pull_up: u8,
    flag: u8,
    capture: u8,
    latch: u8,
    /// The levels when they were looked at last.
    levels: u8,
}

impl PortState {
    /// After a reset all pins are inputs (table 3-1).
    fn new() -> Self {
        Self {
            direction: 0xff,
            ..Self::default()
        }
    }
}

/// The expander.
pub struct Mcp23017 {
    /// Lines of the board: A0 to A7, B0 to B7.
    pins: [usize; 16],
    /// The lines that its interrupt outputs are connected to.
    interrupts: [Option<usize>; 2],
    ports: [PortState; 2],
    configuration: u8,
    pointer: u8,
}

impl Mcp23017 {
    /// An expander with these pins, and interrupt outputs A and B.
    pub fn new(pins: [usize; 16], interrupts: [Option<usize>; 2]) -> Self {
        Self {
            pins,
            interrupts,
            ports: [PortState::new(); 2],
            configuration: 0,
            pointer: 0,
        }
    }

    /// The register and the port at an address.
    fn at(&self, address: u8) -> Option<(Register, usize)> {
        let (index, port) = if self.configuration & BANK == 0 {
            (address / 2, address % 2)
        } else {
            (address & 0x0f, address >> 4 & 1)
        };
        let register = ORDER.get(usize::from(index))?;
        Some((*register, usize::from(port)))
    }

    /// Where the address goes after a byte (3.2.1).
    fn advance(&mut self) {
        let banked = self.configuration & BANK != 0;
        if self.configuration & SEQUENTIAL_OFF != 0 {
            // In byte mode it goes to and fro between a pair of registers; with banks it stays.
            if !banked {
                self.pointer ^= 1;
            }
            return;
        }
        self.pointer = match (banked, self.pointer) {
            (false, 0x15) => 0,
            (true, 0x0a) => 0x10,
            (true, 0x1a) => 0,
            (_, pointer) => pointer.wrapping_add(1),
        };
    }

    fn levels(&self, port: usize, bench: &Bench<'_>) -> u8 {
        let pins = self.pins.iter().skip(port * 8).take(8).enumerate();
        pins.fold(0, |levels, (bit, line)| {
            levels | u8::from(bench.level(*line)) << bit
        })
    }

    fn drive(&self, port: usize, bench: &Bench<'_>) {
        let state = &self.ports[port];
        for (bit, line) in self.pins.iter().skip(port * 8).take(8).enumerate() {
            let is = |byte: u8| byte >> bit & 1 == 1;
            let level = (!is(state.direction)).then(|| is(state.latch));
            bench.drive(*line, level, is(state.pull_up));
        }
    }

    fn get(&mut self, register: Register, port: usize, bench: &Bench<'_>) -> u8 {
        let levels = self.levels(port, bench);
        let configuration = self.configuration;
        let state = &mut self.ports[port];
        let value = match register {
            Register::Direction => state.direction,
            Register::Polarity => state.polarity,
            Register::InterruptEnable => state.enable,
            Register::Default => state.default,
            Register::Compare => state.compare,
            Register::Configuration => configuration,
            Register::PullUp => state.pull_up,
            Register::Flag => state.flag,
            Register::Capture => state.capture,
            Register::Port => levels ^ state.polarity,
            Register::Latch => state.latch,
        };
        // Reading either clears the interrupt (3.6.2).
        if matches!(register, Register::Capture | Register::Port) {
            state.flag = 0;
            state.levels = levels;
            self.interrupt(bench);
        }
        value
    }

    fn set(&mut self, register: Register, port: usize, value: u8, bench: &Bench<'_>) {
        let state = &mut self.ports[port];
        match register {
            Register::Direction => state.direction = value,
            Register::Polarity => state.polarity = value,
            Register::InterruptEnable => state.enable = value,
            Register::Default => state.default = value,
            Register::Compare => state.compare = value,
            Register::Configuration => self.configuration = value & 0xfe,
            Register::PullUp => state.pull_up = value,
            // Writing the port writes the latch (3.5.10).
            Register::Port | Register::Latch => state.latch = value,
            Register::Flag | Register::Capture => {}
        }
        match register {
            Register::Direction | Register::PullUp | Register::Port | Register::Latch => {
                self.drive(port, bench);
            }
            Register::Configuration => self.interrupt(bench),
            _ => {}
        }
    }

    /// Looks at the pins: which have changed in a way that interrupts.
    fn look(&mut self, bench: &Bench<'_>) {
        for port in 0..2 {
            let levels = self.levels(port, bench);
            let state = &mut self.ports[port];
            let changed = levels ^ state.levels;
            let differs = levels ^ state.default;
            let triggers = state.enable
                & state.direction
                & (state.compare & differs | !state.compare & changed);
            state.levels = levels;
            // What was captured first stays until it is read.
            if triggers != 0 && state.flag == 0 {
                state.capture = levels ^ state.polarity;
                state.flag = triggers;
            }
        }
        self.interrupt(bench);
    }

    fn interrupt(&self, bench: &Bench<'_>) {
        let flags = [self.ports[0].flag != 0, self.ports[1].flag != 0];
        let is = |bit: u8| self.configuration & bit != 0;
        for (line, own) in self.interrupts.iter().zip(flags) {
            let Some(line) = line else { continue };
            let active = own || is(MIRROR) && flags.contains(&true);
            let level = if is(OPEN_DRAIN) {
                active.then_some(false)
            } else {
                Some(active == is(ACTIVE_HIGH))
            };
            bench.signal(*line, level);
        }
    }
}

impl I2cModel for Mcp23017 {
    fn part(&self) -> &'static str {
        "mcp23017"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        let Some((pointer, values)) = bytes.split_first() else {
            return Ok(());
        };
        self.pointer = *pointer;
        for value in values {
            if let Some((register, port)) = self.at(self.pointer) {
                self.set(register, port, *value, bench);
            }
            self.advance();
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        for byte in bytes {
            *byte = match self.at(self.pointer) {
                Some((register, port)) => self.get(register, port, bench),
                None => 0,
            };
            self.advance();
        }
        Ok(())
    }

    fn power_on(&mut self, bench: &Bench<'_>) {
        self.ports = [PortState::new(); 2];
        (self.configuration, self.pointer) = (0, 0);
        for port in 0..2 {
            self.drive(port, bench);
            self.ports[port].levels = self.levels(port, bench);
        }
        self.interrupt(bench);
    }

    fn pin_changed(&mut self, bench: &Bench<'_>) {
        self.look(bench);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        let port = |name: &str, port: usize| {
            let state = &self.ports[port];
            let pins: String = (0..8)
                .rev()
                .map(|bit| {
                    let level = self.levels(port, bench) >> bit & 1 == 1;
                    match (state.direction >> bit & 1 == 1, level) {
                        (true, true) => 'i',
                        (true, false) => '.',
                        (false, true) => '1',
                        (false, false) => '0',
                    }
                })
                .collect();
            (name.to_owned(), pins)
        };
        vec![port("A", 0), port("B", 1)]
    }
}
