//! Which board this is, and what it has under which names.
//!
//! [`Board::detect`] reads files below a [`Root`]; it opens no device. Parts are known by what the firmware says of
//! them, never by the numbers that the kernel gives out as it finds them.

mod chip;
mod class;
mod file;
mod hardware;
mod machine;
mod name;
mod names;
mod os;
mod parts;
mod trouble;

use serde::Serialize;

pub use chip::{ChipInfo, ChipReader, FilesOnly};
pub use file::{BoardFile, FileFault, embedded, named};
pub use hardware::{Acpi, Hardware};
pub use machine::{Cpu, Dmi, Machine, Tree};
pub use name::Fact;
pub use names::NoSuch;
pub use os::{Family, Os};
pub use parts::{AdcChannel, GpioChip, GpioLine, I2cBus, Part, PwmChannel, SpiDevice, Uart};
pub use trouble::Trouble;

use crate::root::Root;
use name::Namer;

/// A board: what it is and what it has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Board {
    /// The machine.
    pub machine: Machine,
    /// Its operating system.
    pub os: Os,
    /// The board file that names its parts.
    pub file: Option<FileIdentity>,
    /// Controllers of GPIO lines.
    pub chips: Vec<GpioChip>,
    /// GPIO lines.
    pub gpio: Vec<GpioLine>,
    /// I2C buses.
    pub i2c: Vec<I2cBus>,
    /// SPI devices for programs.
    pub spi: Vec<SpiDevice>,
    /// Serial ports that are there.
    pub uart: Vec<Uart>,
    /// PWM outputs.
    pub pwm: Vec<PwmChannel>,
    /// Inputs of analogue-digital converters.
    pub adc: Vec<AdcChannel>,
    /// Serial ports that a driver has registered and that no hardware stands behind, like `ttyS2`.
    pub phantoms: Vec<String>,
    /// What will not work on the whole board.
    pub troubles: Vec<Trouble>,
    /// What board files have said of it, and whether that has a source.
    pub facts: Vec<Fact>,
    /// What could not be read, and what else is worth knowing of how this came about.
    pub notes: Vec<String>,
}

/// Which board file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileIdentity {
    /// Its name, like `phytium-d2000`.
    pub name: String,
    /// Whether it came with the program, or is the operator's own.
    pub embedded: bool,
}

impl Board {
    /// Looks at the files below a root. What cannot be read is a note in the board.
    pub fn detect(root: &Root) -> Self {
        Self::detect_with(root, &FilesOnly)
    }

    /// As [`Board::detect`], and asks character devices for what is not in files.
    pub fn detect_with(root: &Root, reader: &dyn ChipReader) -> Self {
        Self::detect_as(root, reader, None)
    }

    /// As [`Board::detect_with`], with an operator's board file, whose names come first.
    pub fn detect_as(root: &Root, reader: &dyn ChipReader, own: Option<&BoardFile>) -> Self {
        let mut board = Self {
            machine: Machine::read(root),
            os: Os::read(root),
            ..Self::default()
        };
        let recognised = file::recognise(&board.machine);
        let base = recognised.as_ref().map(|recognised| recognised.file);
        let namer = Namer::new(root, own, base);
        board.machine.soc = namer.soc();
        board.file = own.or(base).map(|file| FileIdentity {
            name: file.name.clone(),
            embedded: file.embedded,
        });
        if let Some(recognised) = recognised {
            board.facts.push(Fact {
                of: recognised.by.clone(),
                source: recognised.source.clone(),
                verified: recognised.verified,
            });
            board.machine.recognised_by = Some(recognised.by);
        }
        trouble::of_machine(root, &mut board);
        chip::read(root, reader, &namer, &mut board);
        class::read(root, &namer, &mut board);
        board.tidy();
        board
    }

    /// The GPIO line of a name: its own, with or without `gpio/`, or another that it is known by.
    pub fn line(&self, name: &str) -> Result<&GpioLine, NoSuch> {
        names::find(&self.gpio, name)
    }

    /// The I2C bus of a name.
    pub fn i2c(&self, name: &str) -> Result<&I2cBus, NoSuch> {
        names::find(&self.i2c, name)
    }

    /// The SPI device of a name.
    pub fn spi(&self, name: &str) -> Result<&SpiDevice, NoSuch> {
        names::find(&self.spi, name)
    }

    /// The serial port of a name.
    pub fn uart(&self, name: &str) -> Result<&Uart, NoSuch> {
        names::find(&self.uart, name)
    }

    /// The PWM output of a name.
    pub fn pwm(&self, name: &str) -> Result<&PwmChannel, NoSuch> {
        names::find(&self.pwm, name)
    }

    /// The analogue input of a name.
    pub fn adc(&self, name: &str) -> Result<&AdcChannel, NoSuch> {
        names::find(&self.adc, name)
    }

    /// The chip of a line.
    pub fn chip(&self, line: &GpioLine) -> Option<&GpioChip> {
        self.chips.iter().find(|chip| chip.path == line.chip)
    }

    /// Takes away the aliases that stand for more than one part.
    fn tidy(&mut self) {
        let mut lost = names::ambiguous(&mut self.gpio, |part| &mut part.aliases);
        lost.extend(names::ambiguous(&mut self.i2c, |part| &mut part.aliases));
        lost.extend(names::ambiguous(&mut self.spi, |part| &mut part.aliases));
        lost.extend(names::ambiguous(&mut self.uart, |part| &mut part.aliases));
        lost.extend(names::ambiguous(&mut self.pwm, |part| &mut part.aliases));
        lost.extend(names::ambiguous(&mut self.adc, |part| &mut part.aliases));
        let notes = lost
            .iter()
            .map(|alias| format!("`{alias}` stands for more than one part, and so for none"));
        self.notes.extend(notes);
    }
}

#[cfg(test)]
mod tests;
