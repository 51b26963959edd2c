//! What the operator looks at, and how keys change it.

use weihe_hal::virtual_board::{Act, Setting};

use super::rows::{Row, Subject};

/// How long a button is held that is pressed with a key, in milliseconds: as with a finger.
const PRESS: u64 = 150;

/// What a key changes a value of the world by: this share of it, or as much where it is small.
const SHARE: f64 = 0.02;
const LEAST_STEP: f64 = 0.5;

/// The longest number that is typed.
const DIGITS: usize = 16;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key {
    Quit,
    Up,
    Down,
    Act,
    Break,
    Mend,
    More,
    Less,
    Type,
    Digit(char),
    Erase,
    Enter,
}

/// The keys in what was read.
pub fn read_keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        keys.push(match first {
            0x1b if !rest.is_empty() => {
                // A sequence, to its last byte.
                let end = rest
                    .iter()
                    .position(|byte| byte.is_ascii_alphabetic() || *byte == b'~');
                let Some(end) = end else { break };
                bytes = rest.get(end + 1..).unwrap_or_default();
                match rest.get(..=end) {
                    Some(b"[A" | b"OA") => Key::Up,
                    Some(b"[B" | b"OB") => Key::Down,
                    _ => continue,
                }
            }
            // Ctrl-C and Ctrl-D, which are only bytes now.
            b'q' | b'Q' | 3 | 4 => Key::Quit,
            b'k' => Key::Up,
            b'j' => Key::Down,
            b' ' | b'p' => Key::Act,
            b'b' => Key::Break,
            b'm' => Key::Mend,
            b'+' => Key::More,
            b'-' => Key::Less,
            b'=' => Key::Type,
            0x1b | 0x7f | 8 => Key::Erase,
            b'\r' | b'\n' => Key::Enter,
            digit if digit.is_ascii_digit() || *digit == b'.' => Key::Digit(char::from(*digit)),
            _ => continue,
        });
    }
    keys
}

/// What the operator looks at.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The selected part, by name: it stays selected when others come and go.
    pub selected: Option<String>,
    /// The number that is being typed.
    pub typed: Option<String>,
}

/// What follows from a key.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Only another frame.
    Draw,
    /// Something is done with the board.
    Do(Act),
    /// It ends.
    End,
}

impl View {
    /// Where the selected part stands; the first one when there is none.
    pub fn place(&self, rows: &[Row]) -> Option<usize> {
        let is_it = |row: &Row| match row {
            Row::Part { name, .. } => self.selected.as_ref() == Some(name),
            _ => false,
        };
        let first = || rows.iter().position(|row| matches!(row, Row::Part { .. }));
        rows.iter().position(is_it).or_else(first)
    }

    /// A key was pressed.
    pub fn press(&mut self, key: Key, rows: &[Row]) -> Next {
        if let Some(next) = self.type_on(key, rows) {
            return next;
        }
        match key {
            Key::Quit => return Next::End,
            Key::Up => self.walk(rows, false),
            Key::Down => self.walk(rows, true),
            Key::Type if matches!(self.part(rows), Some((_, Subject::World(_)))) => {
                self.typed = Some(String::new());
            }
            key => {
                if let Some(act) = self.act(key, rows) {
                    return Next::Do(act);
                }
            }
        }
        Next::Draw
    }

    /// A key while a number is being typed.
    fn type_on(&mut self, key: Key, rows: &[Row]) -> Option<Next> {
        let typed = self.typed.as_mut()?;
        match key {
            Key::Digit(digit) if typed.len() < DIGITS => typed.push(digit),
            Key::Less if typed.is_empty() => typed.push('-'),
            Key::Erase if typed.pop().is_some() => {}
            Key::Enter => {
                let number = typed.parse();
                self.typed = None;
                if let (Ok(value), Some((name, _))) = (number, self.part(rows)) {
                    let value = Setting::Number(value);
                    return Some(Next::Do(Act::Set { name, value }));
                }
            }
            Key::Quit | Key::Erase => self.typed = None,
            _ => {}
        }
        Some(Next::Draw)
    }

    fn walk(&mut self, rows: &[Row], down: bool) {
        let names: Vec<&String> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Part { name, .. } => Some(name),
                _ => None,
            })
            .collect();
        let at = names
            .iter()
            .position(|name| Some(*name) == self.selected.as_ref());
        let at = at.unwrap_or(0);
        let next = if down { at + 1 } else { at.saturating_sub(1) };
        let last = names.len().saturating_sub(1);
        self.selected = names.get(next.min(last)).map(|name| (*name).clone());
    }

    fn part(&self, rows: &[Row]) -> Option<(String, Subject)> {
        match rows.get(self.place(rows)?)? {
            Row::Part { name, subject, .. } => Some((name.clone(), subject.clone())),
            _ => None,
        }
    }

    fn act(&self, key: Key, rows: &[Row]) -> Option<Act> {
        let (name, subject) = self.part(rows)?;
        let fault = |fault: &str| Act::Fault {
            name: name.clone(),
            fault: fault.to_owned(),
            times: None,
        };
        let set = |value: Setting| Act::Set {
            name: name.clone(),
            value,
        };
        Some(match (key, &subject) {
            (Key::Act, Subject::Button) => Act::Press {
                name,
                for_ms: Some(PRESS),
            },
            (Key::Act, Subject::Switch(on) | Subject::Line(on)) => set(Setting::Boolean(!on)),
            (Key::More | Key::Less, Subject::Encoder) => Act::Turn {
                name,
                steps: if key == Key::More { 1 } else { -1 },
            },
            (Key::More | Key::Less, Subject::World(value)) => {
                let step = (value.abs() * SHARE).max(LEAST_STEP);
                let step = if key == Key::More { step } else { -step };
                set(Setting::Number(value + step))
            }
            (Key::Break, Subject::Button | Subject::Switch(_) | Subject::Line(_)) => {
                fault("broken")
            }
            (Key::Break, Subject::Device | Subject::Channel) => fault("unplugged"),
            (Key::Break, Subject::Port) => fault("closed"),
            (Key::Mend, Subject::World(_) | Subject::Encoder) => return None,
            (Key::Mend, _) => Act::Mend { name: Some(name) },
            _ => return None,
        })
    }
}
