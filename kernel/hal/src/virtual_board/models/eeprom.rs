//! EEPROMs of the 24C family.
//!
//! Data sheet Microchip 24AA256/24LC256 (DS21203): page write in section 6, acknowledge polling in section 7, reads
//! in section 8; block bits of the small ones as in that of the 24LC16B (DS21703).

use super::{Bench, I2cModel, Nack, Seen};

/// A write cycle takes this at most (DS21203, table 1-2, T_WC).
const WRITE_CYCLE: u64 = 5_000_000;

/// A part of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Bytes.
    pub size: usize,
    /// Bytes of a page.
    pub page: usize,
    /// Bytes of an address.
    pub address: usize,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::new("24c01", 128, 8, 1),
        Self::new("24c02", 256, 8, 1),
        Self::new("24c04", 512, 16, 1),
        Self::new("24c08", 1_024, 16, 1),
        Self::new("24c16", 2_048, 16, 1),
        Self::new("24c32", 4_096, 32, 2),
        Self::new("24c64", 8_192, 32, 2),
        Self::new("24c128", 16_384, 64, 2),
        Self::new("24c256", 32_768, 64, 2),
        Self::new("24c512", 65_536, 128, 2),
    ];

    const fn new(name: &'static str, size: usize, page: usize, address: usize) -> Self {
        Self {
            name,
            size,
            page,
            address,
        }
    }
}

/// The memory.
pub struct Eeprom {
    part: Part,
    bytes: Vec<u8>,
    pointer: usize,
    block: u8,
    /// What is to be written when the transaction ends: where it begins, and what.
    written: Option<(usize, Vec<u8>)>,
    busy: u64,
}

impl Eeprom {
    /// A memory that begins with these, and is erased from there on.
    pub fn new(part: Part, first: &[u8]) -> Self {
        let mut bytes = vec![0xff; part.size];
        for (byte, value) in bytes.iter_mut().zip(first) {
            *byte = *value;
        }
        Self {
            part,
            bytes,
            pointer: 0,
            block: 0,
            written: None,
            busy: 0,
        }
    }
}

impl I2cModel for Eeprom {
    fn part(&self) -> &'static str {
        self.part.name
    }

    /// Those of one byte of address take further bits of it into the device's.
    fn blocks(&self) -> u8 {
        match self.part.address {
            1 => (self.part.size / 256).max(1) as u8,
            _ => 1,
        }
    }

    fn select(&mut self, block: u8) {
        self.block = block;
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        if bench.now < self.busy {
            return Err(Nack::Address);
        }
        let Some((address, data)) = bytes.split_at_checked(self.part.address) else {
            return Ok(());
        };
        let address = address
            .iter()
            .fold(0, |address, byte| address << 8 | usize::from(*byte));
        let block = if self.part.address == 1 {
            usize::from(self.block) << 8
        } else {
            0
        };
        self.pointer = (block | address) % self.part.size;
        if !data.is_empty() {
            self.written = Some((self.pointer, data.to_vec()));
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        if bench.now < self.busy {
            return Err(Nack::Address);
        }
        // What was written is not taken when a read follows instead of a stop.
        self.written = None;
        for byte in bytes {
            *byte = self.bytes.get(self.pointer).copied().unwrap_or(0xff);
            self.pointer = (self.pointer + 1) % self.part.size;
        }
        Ok(())
    }

    fn stop(&mut self, bench: &Bench<'_>) {
        let Some((start, data)) = self.written.take() else {
            return;
        };
        // Beyond the end of its page it goes on at the beginning.
        let page = start / self.part.page * self.part.page;
        for (index, value) in data.iter().enumerate() {
            let place = page + (start - page + index) % self.part.page;
            if let Some(byte) = self.bytes.get_mut(place) {
                *byte = *value;
            }
        }
        self.pointer = page + (start - page + data.len()) % self.part.page;
        self.busy = bench.now + WRITE_CYCLE;
    }

    /// Its memory is what it was.
    fn power_on(&mut self, _: &Bench<'_>) {
        (self.pointer, self.written, self.busy) = (0, None, 0);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        let used = self.bytes.iter().filter(|byte| **byte != 0xff).count();
        let state = if bench.now < self.busy {
            "writing"
        } else {
            "idle"
        };
        vec![
            ("bytes".to_owned(), self.part.size.to_string()),
            ("used".to_owned(), used.to_string()),
            ("state".to_owned(), state.to_owned()),
        ]
    }

    fn memory(&self) -> &[u8] {
        &self.bytes
    }
}
