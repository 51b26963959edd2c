//! What the kernel's errors of I2C mean (Linux' Documentation/i2c/fault-codes.rst), in words for people.

use std::io;

use rustix::io::Errno;

use crate::i2c::{I2cError, I2cFault};

/// Whether an error can mean that the adapter is not there any more. `ENXIO` is not among them: it says that nobody is
/// at an address. Some drivers say `ENODEV` then.
pub(super) fn may_be_gone(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NODEV | Errno::SHUTDOWN | Errno::NOENT)
    )
}

/// What is said of a bus whose adapter has vanished.
pub(super) fn gone(bus: &str, error: &io::Error) -> I2cError {
    I2cError {
        fault: I2cFault::Other,
        message: format!(
            "{bus} has vanished ({error}): plug its adapter in again; it is looked for with each use"
        ),
    }
}

/// What a failed transfer means.
pub(super) fn fault(bus: &str, address: u16, error: &io::Error) -> I2cError {
    let at = format!("address {address:#04x} on {bus}");
    let (fault, message) = match Errno::from_io_error(error) {
        Some(Errno::NXIO | Errno::NODEV) => (
            I2cFault::AddressNack,
            format!("nobody answers at {at}: check the address, the wiring and the supply"),
        ),
        Some(Errno::REMOTEIO) => (
            I2cFault::Nack,
            format!("{at} does not acknowledge: check the address, the wiring and the supply"),
        ),
        Some(Errno::AGAIN) => (
            I2cFault::ArbitrationLoss,
            format!("another master was faster than {at}: try again"),
        ),
        Some(Errno::TIMEDOUT) => (
            I2cFault::Other,
            format!(
                "{at}: the transfer does not end: a line is held low, or a pull-up resistor is missing"
            ),
        ),
        Some(Errno::BUSY) => (
            I2cFault::Bus,
            format!("{at}: the bus is not free: a line is held low, or another master keeps it"),
        ),
        Some(Errno::PROTO | Errno::IO) => (
            I2cFault::Bus,
            format!(
                "{at}: the transfer was broken off ({error}): check wiring and pull-up resistors"
            ),
        ),
        Some(Errno::OVERFLOW) => (
            I2cFault::Overrun,
            format!("{at}: bytes came faster than the adapter fetched them"),
        ),
        Some(Errno::OPNOTSUPP | Errno::INVAL) => (
            I2cFault::Other,
            format!("{at}: the adapter cannot carry out this transaction ({error})"),
        ),
        _ => (I2cFault::Other, format!("{at}: {error}")),
    };
    I2cError { fault, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_drivers_become_those_of_the_interface() {
        for (errno, wanted, says) in [
            (Errno::NXIO, I2cFault::AddressNack, "nobody answers"),
            (Errno::REMOTEIO, I2cFault::Nack, "acknowledge"),
            (Errno::AGAIN, I2cFault::ArbitrationLoss, "another master"),
            (Errno::TIMEDOUT, I2cFault::Other, "held low"),
            (Errno::BUSY, I2cFault::Bus, "not free"),
            (Errno::PROTO, I2cFault::Bus, "broken off"),
            (Errno::IO, I2cFault::Bus, "broken off"),
            (Errno::OVERFLOW, I2cFault::Overrun, "faster"),
            (Errno::OPNOTSUPP, I2cFault::Other, "cannot carry out"),
            (Errno::NODEV, I2cFault::AddressNack, "nobody answers"),
            (Errno::NOMEM, I2cFault::Other, ""),
        ] {
            let error = fault("i2c/1", 0x44, &errno.into());
            assert_eq!(error.fault, wanted, "{errno}");
            let text = error.message;
            assert!(text.contains(says) && text.contains("i2c/1"), "{text}");
        }
    }
}
