//! Transactions on adapters that know SMBus only: those that have the shape of one of its transfers can be had.

use std::io;

use crate::linux::uapi::i2c::{BLOCK, Smbus, function};

/// A part of a transaction in which the direction does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes that go out.
    Write(Vec<u8>),
    /// Room for those that come in.
    Read(Vec<u8>),
}

/// A transfer of SMBus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Quick,
    ReadByte,
    WriteByte,
    ReadByteData,
    WriteByteData,
    ReadWord,
    WriteWord,
    ProcessCall,
    ReadBlock,
    WriteBlock,
}

impl Shape {
    const ALL: [Self; 10] = [
        Self::Quick,
        Self::ReadByte,
        Self::WriteByte,
        Self::ReadByteData,
        Self::WriteByteData,
        Self::ReadWord,
        Self::WriteWord,
        Self::ProcessCall,
        Self::ReadBlock,
        Self::WriteBlock,
    ];

    fn function(self) -> u64 {
        match self {
            Self::Quick => function::QUICK,
            Self::ReadByte => function::READ_BYTE,
            Self::WriteByte => function::WRITE_BYTE,
            Self::ReadByteData => function::READ_BYTE_DATA,
            Self::WriteByteData => function::WRITE_BYTE_DATA,
            Self::ReadWord => function::READ_WORD_DATA,
            Self::WriteWord => function::WRITE_WORD_DATA,
            Self::ProcessCall => function::PROCESS_CALL,
            Self::ReadBlock => function::READ_I2C_BLOCK,
            Self::WriteBlock => function::WRITE_I2C_BLOCK,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Quick => "w0",
            Self::ReadByte => "r1",
            Self::WriteByte => "w1",
            Self::ReadByteData => "w1 r1",
            Self::WriteByteData => "w2",
            Self::ReadWord => "w1 r2",
            Self::WriteWord => "w3",
            Self::ProcessCall => "w3 r2",
            Self::ReadBlock => "w1 r1…32",
            Self::WriteBlock => "w2…33",
        }
    }
}

/// What an adapter can do, as numbers of bytes that are written and read.
pub(super) fn abilities(functions: u64) -> String {
    let can = |shape: &Shape| functions & shape.function() != 0;
    let known: Vec<_> = Shape::ALL
        .into_iter()
        .filter(can)
        .map(Shape::words)
        .collect();
    if known.is_empty() {
        "nothing".to_owned()
    } else {
        known.join(", ")
    }
}

/// A transaction as numbers of bytes: `w1 r6`.
pub(super) fn outline(parts: &[Part]) -> String {
    let words: Vec<_> = parts
        .iter()
        .map(|part| match part {
            Part::Write(bytes) => format!("w{}", bytes.len()),
            Part::Read(bytes) => format!("r{}", bytes.len()),
        })
        .collect();
    words.join(" ")
}

/// The transfer that puts the same on the wire, of those that the adapter knows.
pub(super) fn shape(parts: &[Part], functions: u64) -> Option<Shape> {
    let candidates: &[Shape] = match parts {
        [Part::Write(bytes) | Part::Read(bytes)] if bytes.is_empty() => &[Shape::Quick],
        [Part::Read(bytes)] if bytes.len() == 1 => &[Shape::ReadByte],
        [Part::Write(bytes)] => match bytes.len() {
            1 => &[Shape::WriteByte],
            2 => &[Shape::WriteByteData, Shape::WriteBlock],
            3 => &[Shape::WriteWord, Shape::WriteBlock],
            length if length <= BLOCK + 1 => &[Shape::WriteBlock],
            _ => &[],
        },
        [Part::Write(command), Part::Read(bytes)] => match (command.len(), bytes.len()) {
            (1, 1) => &[Shape::ReadByteData, Shape::ReadBlock],
            (1, 2) => &[Shape::ReadWord, Shape::ReadBlock],
            (1, 3..=BLOCK) => &[Shape::ReadBlock],
            (3, 2) => &[Shape::ProcessCall],
            _ => &[],
        },
        _ => &[],
    };
    candidates
        .iter()
        .copied()
        .find(|shape| functions & shape.function() != 0)
}

/// Carries a transaction out as the transfer that has its shape.
pub(super) fn carry_out(
    shape: Shape,
    parts: &mut [Part],
    mut smbus: impl FnMut(Smbus<'_>) -> io::Result<()>,
) -> io::Result<()> {
    match (shape, parts) {
        (Shape::Quick, [Part::Write(_)]) => smbus(Smbus::Quick(false)),
        (Shape::Quick, [Part::Read(_)]) => smbus(Smbus::Quick(true)),
        (Shape::ReadByte, [Part::Read(bytes)]) => match bytes.as_mut_slice() {
            [byte] => smbus(Smbus::ReadByte(byte)),
            _ => Err(mismatch()),
        },
        (Shape::ReadByteData, [Part::Write(command), Part::Read(bytes)]) => {
            match (command.as_slice(), bytes.as_mut_slice()) {
                ([command], [byte]) => smbus(Smbus::ReadByteData(*command, byte)),
                _ => Err(mismatch()),
            }
        }
        (Shape::ReadWord, [Part::Write(command), Part::Read(bytes)]) => {
            match (command.as_slice(), bytes.as_mut_slice().try_into()) {
                ([command], Ok(word)) => smbus(Smbus::ReadWord(*command, word)),
                _ => Err(mismatch()),
            }
        }
        (Shape::ProcessCall, [Part::Write(out), Part::Read(bytes)]) => {
            match (out.as_slice(), bytes.as_mut_slice().try_into()) {
                ([command, low, high], Ok(word)) => {
                    smbus(Smbus::ProcessCall(*command, [*low, *high], word))
                }
                _ => Err(mismatch()),
            }
        }
        (Shape::ReadBlock, [Part::Write(command), Part::Read(bytes)]) => match command.as_slice() {
            [command] => smbus(Smbus::ReadBlock(*command, bytes)),
            _ => Err(mismatch()),
        },
        (_, [Part::Write(bytes)]) => match (shape, bytes.as_slice()) {
            (Shape::WriteByte, [byte]) => smbus(Smbus::WriteByte(*byte)),
            (Shape::WriteByteData, [command, byte]) => smbus(Smbus::WriteByteData(*command, *byte)),
            (Shape::WriteWord, [command, low, high]) => {
                smbus(Smbus::WriteWord(*command, [*low, *high]))
            }
            (Shape::WriteBlock, [command, rest @ ..]) => smbus(Smbus::WriteBlock(*command, rest)),
            _ => Err(mismatch()),
        },
        _ => Err(mismatch()),
    }
}

/// The transaction has not the shape that it was said to have.
fn mismatch() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What goes over the wire: writes with their bytes, and reads, which find 1, 2, 3, ...
    type Wire = Vec<Part>;

    fn wire(transfer: Smbus<'_>) -> Wire {
        let found = |into: &mut [u8]| {
            for (number, byte) in (1..).zip(into.iter_mut()) {
                *byte = number;
            }
            Part::Read(into.to_vec())
        };
        match transfer {
            Smbus::Quick(false) => vec![Part::Write(vec![])],
            Smbus::Quick(true) => vec![Part::Read(vec![])],
            Smbus::ReadByte(byte) => vec![found(std::slice::from_mut(byte))],
            Smbus::WriteByte(byte) => vec![Part::Write(vec![byte])],
            Smbus::ReadByteData(command, byte) => {
                vec![
                    Part::Write(vec![command]),
                    found(std::slice::from_mut(byte)),
                ]
            }
            Smbus::WriteByteData(command, byte) => vec![Part::Write(vec![command, byte])],
            Smbus::ReadWord(command, word) => vec![Part::Write(vec![command]), found(word)],
            Smbus::WriteWord(command, [low, high]) => vec![Part::Write(vec![command, low, high])],
            Smbus::ProcessCall(command, [low, high], word) => {
                vec![Part::Write(vec![command, low, high]), found(word)]
            }
            Smbus::ReadBlock(command, bytes) => vec![Part::Write(vec![command]), found(bytes)],
            Smbus::WriteBlock(command, bytes) => {
                vec![Part::Write([&[command], bytes].concat())]
            }
        }
    }

    fn part() -> impl Strategy<Value = Part> {
        let length = prop_oneof![0_usize..5, 30_usize..36];
        prop_oneof![
            length
                .clone()
                .prop_map(|length| Part::Read(vec![0; length])),
            length
                .prop_flat_map(|length| proptest::collection::vec(any::<u8>(), length))
                .prop_map(Part::Write),
        ]
    }

    proptest! {
        #[test]
        fn what_is_carried_out_is_on_the_wire_what_was_asked_for(
            parts in proptest::collection::vec(part(), 0..4),
            functions in any::<u32>(),
        ) {
            let Some(shape) = shape(&parts, functions.into()) else {
                return Ok(());
            };
            prop_assert!(u64::from(functions) & shape.function() != 0);
            let mut done = parts.clone();
            let mut wires = Vec::new();
            carry_out(shape, &mut done, |transfer| {
                wires.push(wire(transfer));
                Ok(())
            }).unwrap();
            prop_assert_eq!(wires, std::slice::from_ref(&done), "one transfer, and what it read is kept");
            for (part, done) in parts.iter().zip(&done) {
                match (part, done) {
                    (Part::Write(_), _) => prop_assert_eq!(part, done),
                    (Part::Read(asked), Part::Read(read)) => prop_assert_eq!(asked.len(), read.len()),
                    _ => prop_assert!(false, "a read became a write"),
                }
            }
        }
    }

    #[test]
    fn drivers_of_registers_work_and_those_that_read_without_one_do_not() {
        let i801 = function::QUICK
            | function::READ_BYTE
            | function::WRITE_BYTE
            | function::READ_BYTE_DATA
            | function::WRITE_BYTE_DATA
            | function::READ_WORD_DATA
            | function::WRITE_WORD_DATA
            | function::READ_I2C_BLOCK
            | function::WRITE_I2C_BLOCK;
        let write = |length: usize| Part::Write(vec![0; length]);
        let read = |length: usize| Part::Read(vec![0; length]);
        // LM75, ADS1115, BME280, an EEPROM, a display.
        assert_eq!(shape(&[write(1), read(2)], i801), Some(Shape::ReadWord));
        assert_eq!(shape(&[write(3)], i801), Some(Shape::WriteWord));
        assert_eq!(shape(&[write(1), read(26)], i801), Some(Shape::ReadBlock));
        assert_eq!(shape(&[write(33)], i801), Some(Shape::WriteBlock));
        assert_eq!(shape(&[write(34)], i801), None);
        // SHT4x reads six bytes without naming a register.
        assert_eq!(shape(&[read(6)], i801), None);
        assert_eq!(outline(&[write(1), read(33)]), "w1 r33");
        // A block stands in where words are not known.
        let blocks = function::READ_I2C_BLOCK | function::WRITE_I2C_BLOCK;
        assert_eq!(shape(&[write(1), read(2)], blocks), Some(Shape::ReadBlock));
        assert_eq!(shape(&[write(2)], blocks), Some(Shape::WriteBlock));
        assert_eq!(abilities(blocks), "w1 r1…32, w2…33");
    }
}
