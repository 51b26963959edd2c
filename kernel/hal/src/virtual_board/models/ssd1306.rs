//! Solomon Systech SSD1306: a screen of 128 by 64 or 32 points.
//!
//! Data sheet SSD1306, revision 1.1: bytes on I2C in 8.1.5, commands in 9 and their description in 10, addressing modes in
//! 10.1.3.

use super::{Bench, I2cModel, Nack, Seen};

/// Columns of its memory.
const COLUMNS: usize = 128;

/// Pages of eight rows.
const PAGES: usize = 8;

/// The screen.
pub struct Ssd1306 {
    height: usize,
    memory: Vec<u8>,
    /// 0: along columns, then pages; 1: along pages, then columns; 2: within one page.
    mode: u8,
    columns: (usize, usize),
    pages: (usize, usize),
    column: usize,
    page: usize,
    start_line: usize,
    offset: usize,
    is_on: bool,
    is_inverse: bool,
    is_all_on: bool,
    /// Columns from right to left, and rows from bottom to top.
    remapped: (bool, bool),
    contrast: u8,
    /// A command whose arguments are awaited, with what came of them.
    command: Vec<u8>,
}

/// How many arguments a command has (9, table 9-1).
fn arguments(command: u8) -> usize {
    match command {
        0x20 | 0x81 | 0x8d | 0xa8 | 0xd3 | 0xd5 | 0xd9 | 0xda | 0xdb => 1,
        0x21 | 0x22 | 0xa3 => 2,
        0x29 | 0x2a => 5,
        0x26 | 0x27 => 6,
        _ => 0,
    }
}

impl Ssd1306 {
    /// A screen of so many rows.
    pub fn new(height: usize) -> Self {
        Self {
            height,
            memory: vec![0; COLUMNS * PAGES],
            mode: 2,
            columns: (0, COLUMNS - 1),
            pages: (0, PAGES - 1),
            column: 0,
            page: 0,
            start_line: 0,
            offset: 0,
            is_on: false,
            is_inverse: false,
            is_all_on: false,
            remapped: (false, false),
            contrast: 0x7f,
            command: Vec::new(),
        }
    }

    fn take_command(&mut self, byte: u8) {
        self.command.push(byte);
        let Some(first) = self.command.first() else {
            return;
        };
        if self.command.len() > arguments(*first) {
            let command = std::mem::take(&mut self.command);
            self.carry_out(&command);
        }
    }

    fn carry_out(&mut self, command: &[u8]) {
        match *command {
            [low @ 0x00..=0x0f] => self.column = self.column & 0x70 | usize::from(low),
            [high @ 0x10..=0x17] => self.column = self.column & 0x0f | usize::from(high & 7) << 4,
            [0x20, mode] => self.mode = mode & 3,
            [0x21, first, last] => {
                self.columns = (usize::from(first & 0x7f), usize::from(last & 0x7f));
                self.column = self.columns.0;
            }
            [0x22, first, last] => {
                self.pages = (usize::from(first & 7), usize::from(last & 7));
                self.page = self.pages.0;
            }
            [line @ 0x40..=0x7f] => self.start_line = usize::from(line & 0x3f),
            [0x81, contrast] => self.contrast = contrast,
            [0xa0] => self.remapped.0 = false,
            [0xa1] => self.remapped.0 = true,
            [0xa4] => self.is_all_on = false,
            [0xa5] => self.is_all_on = true,
            [0xa6] => self.is_inverse = false,
            [0xa7] => self.is_inverse = true,
            [0xae] => self.is_on = false,
            [0xaf] => self.is_on = true,
            [page @ 0xb0..=0xb7] => self.page = usize::from(page & 7),
            [0xc0..=0xc7] => self.remapped.1 = false,
            [0xc8..=0xcf] => self.remapped.1 = true,
            [0xd3, offset] => self.offset = usize::from(offset & 0x3f),
            // Clocks, charge pump, pins, scrolling: nothing of them is seen here.
            _ => {}
        }
    }

    fn take_data(&mut self, byte: u8) {
        let place = self.page * COLUMNS + self.column;
        if let Some(cell) = self.memory.get_mut(place) {
            *cell = byte;
        }
        let next = |now: usize, (first, last): (usize, usize), most: usize| {
            if now == last {
                (first, true)
            } else {
                ((now + 1) % most, false)
            }
        };
        match self.mode {
            0 => {
                let (column, wraps) = next(self.column, self.columns, COLUMNS);
                self.column = column;
                if wraps {
                    self.page = next(self.page, self.pages, PAGES).0;
                }
            }
            1 => {
                let (page, wraps) = next(self.page, self.pages, PAGES);
                self.page = page;
                if wraps {
                    self.column = next(self.column, self.columns, COLUMNS).0;
                }
            }
            // Within a page it begins anew in the same one (10.1.3).
            _ => self.column = (self.column + 1) % COLUMNS,
        }
    }

    /// Whether a point is lit, seen with the connector above as modules are mounted: drivers turn both
    /// directions for that.
    pub fn point(&self, x: usize, y: usize) -> bool {
        if !self.is_on || x >= COLUMNS || y >= self.height {
            return false;
        }
        if self.is_all_on {
            return true;
        }
        let column = if self.remapped.0 { x } else { COLUMNS - 1 - x };
        let row = if self.remapped.1 {
            y
        } else {
            self.height - 1 - y
        };
        let row = (row + self.start_line + self.offset) % (PAGES * 8);
        let byte = self.memory.get(row / 8 * COLUMNS + column);
        let lit = byte.is_some_and(|byte| byte >> (row % 8) & 1 == 1);
        lit != self.is_inverse
    }
}

impl I2cModel for Ssd1306 {
    fn part(&self) -> &'static str {
        "ssd1306"
    }

    fn write(&mut self, bytes: &[u8], _: &Bench<'_>) -> Result<(), Nack> {
        let mut bytes = bytes.iter().copied();
        // A control byte, then with Co = 1 one byte and another control byte, else only bytes (8.1.5.2).
        while let Some(control) = bytes.next() {
            let is_data = control & 0x40 != 0;
            let single = control & 0x80 != 0;
            let count = if single { 1 } else { usize::MAX };
            for byte in bytes.by_ref().take(count) {
                if is_data {
                    self.take_data(byte);
                } else {
                    self.take_command(byte);
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], _: &Bench<'_>) -> Result<(), Nack> {
        // The status: only whether it is off (8.1.2).
        bytes.fill(u8::from(!self.is_on) << 6);
        Ok(())
    }

    fn power_on(&mut self, _: &Bench<'_>) {
        *self = Self::new(self.height);
    }

    fn seen(&self, _: &Bench<'_>) -> Seen {
        let state = if self.is_on { "on" } else { "off" };
        vec![
            ("screen".to_owned(), state.to_owned()),
            ("contrast".to_owned(), self.contrast.to_string()),
        ]
    }

    /// Two points above each other are one character.
    fn screen(&self) -> Option<Vec<String>> {
        let line = |y: usize| {
            let cell = |x: usize| match (self.point(x, y), self.point(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            };
            (0..COLUMNS).map(cell).collect()
        };
        Some((0..self.height).step_by(2).map(line).collect())
    }

    fn memory(&self) -> &[u8] {
        &self.memory
    }
}
