//! Calls of Linux' drivers that no crate makes on every processor that Weihe is made for: `gpiocdev` (by
//! `ioctl-sys`) and `i2cdev` (by `nix` 0.26) do not compile for LoongArch (docs/decisions/0045-linux-hardware.md).
//!
//! All `unsafe` of this crate is here; what the functions take and give is checked by the compiler.

pub(crate) mod gpio_v1;
pub(crate) mod gpio_v2;
pub(crate) mod i2c;

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

use rustix::ioctl::{Opcode, Updater, ioctl};

/// The argument of an ioctl that the driver reads and fills in.
///
/// # Safety
///
/// The type is laid out as the driver's, has no pointers, and each pattern of bits is a value of it.
unsafe trait Argument: Sized {}

/// Makes a call whose number tells the driver the size of its argument, as all numbers made with
/// [`rustix::ioctl::opcode`] do.
fn call<const OPCODE: Opcode, T: Argument>(device: impl AsFd, argument: &mut T) -> io::Result<()> {
    // SAFETY: the driver reads and writes as many bytes as the number says, which are those of `T`, and whatever it
    // writes is a `T`.
    unsafe { ioctl(device, Updater::<OPCODE, T>::new(argument)) }?;
    Ok(())
}

/// The descriptor that a call has made.
fn made(descriptor: RawFd) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: the kernel has just given it to this call, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// A name as the kernel keeps it: up to 31 bytes and a NUL.
type Name = [u8; 32];

fn name(bytes: &Name) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// Who this process says it is: what other programs see as the holder of a line.
fn consumer() -> Name {
    let mut name = Name::default();
    for (to, from) in name.iter_mut().zip(b"weihe") {
        *to = *from;
    }
    name
}

/// Who has a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineInfo {
    /// The kernel's name of it; often empty.
    pub(crate) name: String,
    /// Who has it, when somebody has: often empty all the same.
    pub(crate) consumer: Option<String>,
    /// Whether it is an output.
    pub(crate) output: bool,
}
