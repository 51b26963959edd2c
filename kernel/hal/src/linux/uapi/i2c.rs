//! I2C character devices: `include/uapi/linux/i2c.h` and `i2c-dev.h` of Linux.

use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, IntegerSetter, Opcode, Updater, ioctl};

const SLAVE: Opcode = 0x0703;
const FUNCS: Opcode = 0x0705;
const RDWR: Opcode = 0x0707;
const SMBUS: Opcode = 0x0720;

/// The most messages of one transaction (`I2C_RDWR_IOCTL_MAX_MSGS`).
pub(crate) const MESSAGES: usize = 42;

/// The most bytes of a block (`I2C_SMBUS_BLOCK_MAX`).
pub(crate) const BLOCK: usize = 32;

/// What an adapter can do: bits of `I2C_FUNCS`.
pub(crate) mod function {
    pub(crate) const I2C: u64 = 0x0000_0001;
    pub(crate) const PROCESS_CALL: u64 = 0x0080_0000;
    pub(crate) const QUICK: u64 = 0x0001_0000;
    pub(crate) const READ_BYTE: u64 = 0x0002_0000;
    pub(crate) const WRITE_BYTE: u64 = 0x0004_0000;
    pub(crate) const READ_BYTE_DATA: u64 = 0x0008_0000;
    pub(crate) const WRITE_BYTE_DATA: u64 = 0x0010_0000;
    pub(crate) const READ_WORD_DATA: u64 = 0x0020_0000;
    pub(crate) const WRITE_WORD_DATA: u64 = 0x0040_0000;
    pub(crate) const READ_I2C_BLOCK: u64 = 0x0400_0000;
    pub(crate) const WRITE_I2C_BLOCK: u64 = 0x0800_0000;
}

const FLAG_READ: u16 = 1;

/// A part of a transaction: what is written, or where what is read goes.
pub(crate) enum Message<'a> {
    /// Out.
    Write(&'a [u8]),
    /// In.
    Read(&'a mut [u8]),
}

#[repr(C)]
struct RawMessage {
    address: u16,
    flags: u16,
    length: u16,
    buffer: *mut u8,
}

#[repr(C)]
struct RawMessages {
    messages: *mut RawMessage,
    count: u32,
}

#[repr(C)]
struct RawSmbus {
    read: u8,
    command: u8,
    size: u32,
    data: *mut [u8; BLOCK + 2],
}

/// What the adapter can do: see [`function`].
pub(crate) fn functions(bus: impl AsFd) -> io::Result<u64> {
    // SAFETY: the driver writes one `unsigned long`, which is a pointer's size on Linux.
    let functions: usize = unsafe { ioctl(bus, Getter::<FUNCS, usize>::new()) }?;
    Ok(functions as u64)
}

/// Sets the address of SMBus transfers. It is refused where a driver of the kernel has it (`EBUSY`).
pub(crate) fn select(bus: impl AsFd, address: u16) -> io::Result<()> {
    // SAFETY: the argument is a number.
    unsafe { ioctl(bus, IntegerSetter::<SLAVE>::new_usize(address.into())) }?;
    Ok(())
}

/// Carries out a transaction: a start before each message, and a stop at the end.
pub(crate) fn transfer(
    bus: impl AsFd,
    address: u16,
    messages: &mut [Message<'_>],
) -> io::Result<()> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    if messages.len() > MESSAGES {
        return Err(invalid());
    }
    let mut raw = Vec::with_capacity(messages.len());
    for message in messages {
        let (flags, length, buffer) = match message {
            // The driver only reads what it writes to the wire.
            Message::Write(bytes) => (0, bytes.len(), bytes.as_ptr().cast_mut()),
            Message::Read(bytes) => (FLAG_READ, bytes.len(), bytes.as_mut_ptr()),
        };
        raw.push(RawMessage {
            address,
            flags,
            length: u16::try_from(length).map_err(|_| invalid())?,
            buffer,
        });
    }
    let mut all = RawMessages {
        messages: raw.as_mut_ptr(),
        count: raw.len() as u32,
    };
    // SAFETY: pointer and count are those of `raw`, which lives through the call, as do the buffers, each as long as
    // its message says; the driver keeps none of them.
    unsafe { ioctl(bus, Updater::<RDWR, RawMessages>::new(&mut all)) }?;
    Ok(())
}

/// An SMBus transfer with the address that was selected.
pub(crate) enum Smbus<'a> {
    /// The address alone; the bit is that of reading.
    Quick(bool),
    /// Reads a byte.
    ReadByte(&'a mut u8),
    /// Writes a byte.
    WriteByte(u8),
    /// Reads a register.
    ReadByteData(u8, &'a mut u8),
    /// Writes a register.
    WriteByteData(u8, u8),
    /// Reads two bytes of a register.
    ReadWord(u8, &'a mut [u8; 2]),
    /// Writes two bytes to a register.
    WriteWord(u8, [u8; 2]),
    /// Writes two bytes to a register and reads two.
    ProcessCall(u8, [u8; 2], &'a mut [u8; 2]),
    /// Reads up to [`BLOCK`] bytes of a register.
    ReadBlock(u8, &'a mut [u8]),
    /// Writes up to [`BLOCK`] bytes to a register.
    WriteBlock(u8, &'a [u8]),
}

/// Carries out an SMBus transfer.
pub(crate) fn smbus(bus: impl AsFd, transfer: Smbus<'_>) -> io::Result<()> {
    const WRITE: u8 = 0;
    const READ: u8 = 1;
    let mut data = [0_u8; BLOCK + 2];
    match transfer {
        Smbus::Quick(read) => access(bus, read.into(), 0, 0, &mut data),
        Smbus::ReadByte(byte) => {
            access(bus, READ, 0, 1, &mut data)?;
            *byte = data[0];
            Ok(())
        }
        Smbus::WriteByte(byte) => access(bus, WRITE, byte, 1, &mut data),
        Smbus::ReadByteData(command, byte) => {
            access(bus, READ, command, 2, &mut data)?;
            *byte = data[0];
            Ok(())
        }
        Smbus::WriteByteData(command, byte) => {
            data[0] = byte;
            access(bus, WRITE, command, 2, &mut data)
        }
        Smbus::ReadWord(command, word) => {
            access(bus, READ, command, 3, &mut data)?;
            *word = first(&data);
            Ok(())
        }
        Smbus::WriteWord(command, word) => {
            put(&mut data, word);
            access(bus, WRITE, command, 3, &mut data)
        }
        Smbus::ProcessCall(command, out, into) => {
            put(&mut data, out);
            access(bus, WRITE, command, 4, &mut data)?;
            *into = first(&data);
            Ok(())
        }
        Smbus::ReadBlock(command, bytes) => {
            data[0] = length(bytes)?;
            access(bus, READ, command, 8, &mut data)?;
            let read = data.get(1..=usize::from(data[0])).unwrap_or_default();
            if read.len() != bytes.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.copy_from_slice(read);
            Ok(())
        }
        Smbus::WriteBlock(command, bytes) => {
            data[0] = length(bytes)?;
            for (to, from) in data.iter_mut().skip(1).zip(bytes) {
                *to = *from;
            }
            access(bus, WRITE, command, 8, &mut data)
        }
    }
}

fn length(bytes: &[u8]) -> io::Result<u8> {
    let length = u8::try_from(bytes.len()).ok();
    let length = length.filter(|length| usize::from(*length) <= BLOCK && *length > 0);
    length.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// On the wire the low byte of a word goes first; the driver has it in the processor's order.
fn first(data: &[u8; BLOCK + 2]) -> [u8; 2] {
    u16::from_ne_bytes([data[0], data[1]]).to_le_bytes()
}

fn put(data: &mut [u8; BLOCK + 2], word: [u8; 2]) {
    [data[0], data[1]] = u16::from_le_bytes(word).to_ne_bytes();
}

fn access(
    bus: impl AsFd,
    read: u8,
    command: u8,
    size: u32,
    data: &mut [u8; BLOCK + 2],
) -> io::Result<()> {
    let mut transfer = RawSmbus {
        read,
        command,
        size,
        data,
    };
    // SAFETY: the driver reads and writes at most the 34 bytes of `union i2c_smbus_data`, which live through the call.
    unsafe { ioctl(bus, Updater::<SMBUS, RawSmbus>::new(&mut transfer)) }?;
    Ok(())
}
