//! GPIO character devices, first generation of the interface: Linux 4.8 and later, where `CONFIG_GPIO_CDEV_V1` has
//! not been left out. What the numbers mean stands in Linux' `include/uapi/linux/gpio.h`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::ioctl::opcode::{read, read_write};

use super::{Argument, LineInfo, Name, call, consumer, made, name};

const MAGIC: u8 = 0xb4;

const FLAG_USED: u32 = 1;
const FLAG_OUTPUT: u32 = 2;

/// Flags of a request.
pub(crate) mod flag {
    pub(crate) const INPUT: u32 = 1;
    pub(crate) const OUTPUT: u32 = 1 << 1;
    pub(crate) const ACTIVE_LOW: u32 = 1 << 2;
    pub(crate) const OPEN_DRAIN: u32 = 1 << 3;
    pub(crate) const OPEN_SOURCE: u32 = 1 << 4;
    /// This and the following since Linux 5.5.
    pub(crate) const PULL_UP: u32 = 1 << 5;
    pub(crate) const PULL_DOWN: u32 = 1 << 6;
    pub(crate) const NO_BIAS: u32 = 1 << 7;
}

/// Which edges are reported.
pub(crate) mod edge {
    pub(crate) const RISING: u32 = 1;
    pub(crate) const FALLING: u32 = 1 << 1;
}

#[repr(C)]
#[derive(Default)]
struct Chip {
    name: Name,
    label: Name,
    lines: u32,
}

#[repr(C)]
#[derive(Default)]
struct Info {
    offset: u32,
    flags: u32,
    name: Name,
    consumer: Name,
}

#[repr(C)]
struct HandleRequest {
    offsets: [u32; 64],
    flags: u32,
    values: [u8; 64],
    consumer: Name,
    lines: u32,
    fd: i32,
}

#[repr(C)]
struct HandleConfig {
    flags: u32,
    values: [u8; 64],
    padding: [u32; 4],
}

#[repr(C)]
struct EventRequest {
    offset: u32,
    flags: u32,
    edges: u32,
    consumer: Name,
    fd: i32,
}

#[repr(C)]
struct Values([u8; 64]);

const _: () = assert!(size_of::<Chip>() == 68);
const _: () = assert!(size_of::<Info>() == 72);
const _: () = assert!(size_of::<HandleRequest>() == 364);
const _: () = assert!(size_of::<HandleConfig>() == 84);
const _: () = assert!(size_of::<EventRequest>() == 48);

// SAFETY: they are the structs of gpio.h, of integers alone.
unsafe impl Argument for Chip {}
// SAFETY: as above.
unsafe impl Argument for Info {}
// SAFETY: as above.
unsafe impl Argument for HandleRequest {}
// SAFETY: as above.
unsafe impl Argument for HandleConfig {}
// SAFETY: as above.
unsafe impl Argument for EventRequest {}
// SAFETY: as above.
unsafe impl Argument for Values {}

/// Label and number of lines of a chip. Both generations have this.
pub(crate) fn chip(chip: impl AsFd) -> io::Result<(String, u32)> {
    let mut info = Chip::default();
    call::<{ read::<Chip>(MAGIC, 1) }, _>(chip, &mut info)?;
    Ok((name(&info.label), info.lines))
}

/// How it stands with a line.
pub(crate) fn info(chip: impl AsFd, offset: u32) -> io::Result<LineInfo> {
    let mut info = Info {
        offset,
        ..Info::default()
    };
    call::<{ read_write::<Info>(MAGIC, 2) }, _>(chip, &mut info)?;
    Ok(LineInfo {
        name: name(&info.name),
        consumer: (info.flags & FLAG_USED != 0).then(|| name(&info.consumer)),
        output: info.flags & FLAG_OUTPUT != 0,
    })
}

/// Takes a line. Without `INPUT` and `OUTPUT` it stays what it is.
pub(crate) fn take(chip: impl AsFd, offset: u32, flags: u32, value: bool) -> io::Result<OwnedFd> {
    let mut request = HandleRequest {
        offsets: [0; 64],
        flags,
        values: values(value),
        consumer: consumer(),
        lines: 1,
        fd: -1,
    };
    request.offsets[0] = offset;
    call::<{ read_write::<HandleRequest>(MAGIC, 3) }, _>(chip, &mut request)?;
    made(request.fd)
}

/// Takes a line whose edges are read from the descriptor.
pub(crate) fn take_edges(
    chip: impl AsFd,
    offset: u32,
    flags: u32,
    edges: u32,
) -> io::Result<OwnedFd> {
    let mut request = EventRequest {
        offset,
        flags,
        edges,
        consumer: consumer(),
        fd: -1,
    };
    call::<{ read_write::<EventRequest>(MAGIC, 4) }, _>(chip, &mut request)?;
    made(request.fd)
}

/// Changes how a line is used that was taken without edges. Since Linux 5.5.
pub(crate) fn configure(line: impl AsFd, flags: u32, value: bool) -> io::Result<()> {
    let mut config = HandleConfig {
        flags,
        values: values(value),
        padding: [0; 4],
    };
    call::<{ read_write::<HandleConfig>(MAGIC, 0xa) }, _>(line, &mut config)
}

/// The logical value of a line.
pub(crate) fn get(line: impl AsFd) -> io::Result<bool> {
    let mut values = Values([0; 64]);
    call::<{ read_write::<Values>(MAGIC, 8) }, _>(line, &mut values)?;
    Ok(values.0[0] != 0)
}

/// Sets the logical value of an output.
pub(crate) fn set(line: impl AsFd, value: bool) -> io::Result<()> {
    let mut values = Values(values(value));
    call::<{ read_write::<Values>(MAGIC, 9) }, _>(line, &mut values)
}

fn values(value: bool) -> [u8; 64] {
    let mut values = [0; 64];
    values[0] = value.into();
    values
}

/// An edge, as it is read from the descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// In nanoseconds, since 1970 before Linux 5.7 and since the start of the machine from then on.
    pub(crate) time: u64,
    /// Whether the line has become active.
    pub(crate) rising: bool,
}

impl Event {
    /// Bytes of one on 64-bit processors.
    pub(crate) const SIZE: usize = 16;

    /// Out of what was read; none where something is cut off or unknown.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = bytes.split_first_chunk()?;
        let rising = match u32::from_ne_bytes(*rest.first_chunk()?) {
            1 => true,
            2 => false,
            _ => return None,
        };
        let time = u64::from_ne_bytes(*time);
        Some(Self { time, rising })
    }
}
