//! GPIO character devices, second generation of the interface: Linux 5.10 and later. What the numbers mean stands in
//! Linux' `include/uapi/linux/gpio.h`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::ioctl::opcode::read_write;

use super::{Argument, LineInfo, Name, call, consumer, made, name};

const MAGIC: u8 = 0xb4;

const FLAG_USED: u64 = 1;

/// Flags of a request.
pub(crate) mod flag {
    pub(crate) const ACTIVE_LOW: u64 = 1 << 1;
    pub(crate) const INPUT: u64 = 1 << 2;
    pub(crate) const OUTPUT: u64 = 1 << 3;
    pub(crate) const RISING: u64 = 1 << 4;
    pub(crate) const FALLING: u64 = 1 << 5;
    pub(crate) const OPEN_DRAIN: u64 = 1 << 6;
    pub(crate) const OPEN_SOURCE: u64 = 1 << 7;
    pub(crate) const PULL_UP: u64 = 1 << 8;
    pub(crate) const PULL_DOWN: u64 = 1 << 9;
    pub(crate) const NO_BIAS: u64 = 1 << 10;
}

const ATTRIBUTE_VALUES: u32 = 2;
const ATTRIBUTE_DEBOUNCE: u32 = 3;

/// Edges of a line that the kernel keeps until they are read, where it is asked for more than the 16 that it keeps by
/// itself: 5 ms of 50,000 edges a second. It takes 12 KiB a line; Linux allows 1024.
const QUEUE: u32 = 256;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Attribute {
    id: u32,
    padding: u32,
    /// Flags or values; the debounce period is its first four bytes.
    value: [u8; 8],
    mask: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Config {
    flags: u64,
    count: u32,
    padding: [u32; 5],
    attributes: [Attribute; 10],
}

#[repr(C)]
struct Request {
    offsets: [u32; 64],
    consumer: Name,
    config: Config,
    lines: u32,
    queue: u32,
    padding: [u32; 5],
    fd: i32,
}

#[repr(C)]
#[derive(Default)]
struct Info {
    name: Name,
    consumer: Name,
    offset: u32,
    count: u32,
    flags: u64,
    attributes: [[u64; 2]; 10],
    padding: [u32; 4],
}

#[repr(C)]
struct Values {
    bits: u64,
    mask: u64,
}

const _: () = assert!(size_of::<Config>() == 272);
const _: () = assert!(size_of::<Request>() == 592);
const _: () = assert!(size_of::<Info>() == 256);
const _: () = assert!(size_of::<Values>() == 16);

// SAFETY: they are the structs of gpio.h, of integers alone.
unsafe impl Argument for Config {}
// SAFETY: as above.
unsafe impl Argument for Request {}
// SAFETY: as above.
unsafe impl Argument for Info {}
// SAFETY: as above.
unsafe impl Argument for Values {}

/// How a line is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Use {
    /// See [`flag`]. Without `INPUT` and `OUTPUT` the line stays what it is.
    pub(crate) flags: u64,
    /// For how long it must be steady, in microseconds; 0 for not at all.
    pub(crate) debounce: u32,
    /// What an output is set to, logically.
    pub(crate) value: bool,
}

impl Use {
    fn config(self) -> Config {
        let mut config = Config {
            flags: self.flags,
            ..Config::default()
        };
        let mut attributes = config.attributes.iter_mut();
        let mut add = |id, value| {
            if let Some(attribute) = attributes.next() {
                *attribute = Attribute {
                    id,
                    padding: 0,
                    value,
                    mask: 1,
                };
                config.count += 1;
            }
        };
        if self.flags & flag::OUTPUT != 0 {
            add(ATTRIBUTE_VALUES, u64::from(self.value).to_ne_bytes());
        }
        if self.debounce != 0 {
            let mut value = [0; 8];
            for (to, from) in value.iter_mut().zip(self.debounce.to_ne_bytes()) {
                *to = from;
            }
            add(ATTRIBUTE_DEBOUNCE, value);
        }
        config
    }
}

/// How it stands with a line.
pub(crate) fn info(chip: impl AsFd, offset: u32) -> io::Result<LineInfo> {
    let mut info = Info {
        offset,
        ..Info::default()
    };
    call::<{ read_write::<Info>(MAGIC, 5) }, _>(chip, &mut info)?;
    Ok(LineInfo {
        name: name(&info.name),
        consumer: (info.flags & FLAG_USED != 0).then(|| name(&info.consumer)),
        output: info.flags & flag::OUTPUT != 0,
    })
}

/// Takes a line. Its edges, if any, are read from the descriptor.
pub(crate) fn take(chip: impl AsFd, offset: u32, usage: Use) -> io::Result<OwnedFd> {
    let edges = usage.flags & (flag::RISING | flag::FALLING) != 0;
    let mut request = Request {
        offsets: [0; 64],
        consumer: consumer(),
        config: usage.config(),
        lines: 1,
        queue: if edges { QUEUE } else { 0 },
        padding: [0; 5],
        fd: -1,
    };
    request.offsets[0] = offset;
    call::<{ read_write::<Request>(MAGIC, 7) }, _>(chip, &mut request)?;
    made(request.fd)
}

/// Changes how a line is used.
pub(crate) fn configure(line: impl AsFd, usage: Use) -> io::Result<()> {
    let mut config = usage.config();
    call::<{ read_write::<Config>(MAGIC, 0xd) }, _>(line, &mut config)
}

/// The logical value of a line.
pub(crate) fn get(line: impl AsFd) -> io::Result<bool> {
    let mut values = Values { bits: 0, mask: 1 };
    call::<{ read_write::<Values>(MAGIC, 0xe) }, _>(line, &mut values)?;
    Ok(values.bits & 1 == 1)
}

/// Sets the logical value of an output.
pub(crate) fn set(line: impl AsFd, value: bool) -> io::Result<()> {
    let bits = value.into();
    call::<{ read_write::<Values>(MAGIC, 0xf) }, _>(line, &mut Values { bits, mask: 1 })
}

/// An edge, as it is read from the descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// In nanoseconds since the start of the machine.
    pub(crate) time: u64,
    /// Whether the line has become active.
    pub(crate) rising: bool,
    /// Counts the edges of the line, from 1; also those that were lost.
    pub(crate) sequence: u32,
}

impl Event {
    /// Bytes of one.
    pub(crate) const SIZE: usize = 48;

    /// Out of what was read; none where something is cut off or unknown.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk()?;
            Some(u32::from_ne_bytes(*bytes))
        };
        let rising = match word(8)? {
            1 => true,
            2 => false,
            _ => return None,
        };
        Some(Self {
            time: u64::from_ne_bytes(*bytes.first_chunk()?),
            rising,
            sequence: word(20)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_gpio_h_lays_it_out() {
        let mut bytes = [0_u8; Event::SIZE];
        bytes[..8].copy_from_slice(&77_u64.to_ne_bytes());
        bytes[8..12].copy_from_slice(&2_u32.to_ne_bytes());
        bytes[12..16].copy_from_slice(&3_u32.to_ne_bytes());
        bytes[16..20].copy_from_slice(&900_u32.to_ne_bytes());
        bytes[20..24].copy_from_slice(&9_u32.to_ne_bytes());
        let event = Event::read(&bytes).unwrap();
        assert_eq!((event.time, event.rising, event.sequence), (77, false, 9));
        assert_eq!(Event::read(&bytes[..20]), None);
        bytes[8] = 9;
        assert_eq!(Event::read(&bytes), None, "a kind that nobody knows");
    }

    #[test]
    fn only_an_output_brings_its_value_and_debouncing_only_where_asked() {
        let usage = Use {
            flags: flag::INPUT,
            debounce: 0,
            value: true,
        };
        assert_eq!(usage.config().count, 0);
        let debounced = Use {
            debounce: 5_000,
            ..usage
        };
        let config = debounced.config();
        assert_eq!(config.count, 1);
        assert_eq!(config.attributes[0].value[..4], 5_000_u32.to_ne_bytes());
        let output = Use {
            flags: flag::OUTPUT,
            ..usage
        };
        let config = output.config();
        assert_eq!(
            (config.count, config.attributes[0].id),
            (1, ATTRIBUTE_VALUES)
        );
        assert_eq!(config.attributes[0].value, 1_u64.to_ne_bytes());
    }
}
