//! I2C devices of the test's board.

use crate::bindings::hal::wasi::i2c::i2c::{ErrorCode, NoAcknowledgeSource};
use std::collections::VecDeque;

/// What can go wrong on an I2C bus.
///
/// ```
/// use weihe_sdk::testing::{Fault, I2cFault};
/// // The sensor is unplugged, and back at the third try.
/// let fault = Fault::i2c(I2cFault::AddressNack).on("sensors@0x44").times(2);
/// # drop(fault);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum I2cFault {
    /// A START or STOP where none belongs, or the bus is stuck.
    Bus,
    /// Another master has won.
    ArbitrationLoss,
    /// Nobody acknowledges the address.
    AddressNack,
    /// A byte is not acknowledged.
    DataNack,
    /// Not acknowledged; of what is not known, as with most drivers of Linux.
    Nack,
    /// Bytes came faster than they were fetched.
    Overrun,
    /// Anything else: a timeout, mostly.
    Other,
}

impl From<I2cFault> for ErrorCode {
    fn from(fault: I2cFault) -> Self {
        match fault {
            I2cFault::Bus => ErrorCode::Bus,
            I2cFault::ArbitrationLoss => ErrorCode::ArbitrationLoss,
            I2cFault::AddressNack => ErrorCode::NoAcknowledge(NoAcknowledgeSource::Address),
            I2cFault::DataNack => ErrorCode::NoAcknowledge(NoAcknowledgeSource::Data),
            I2cFault::Nack => ErrorCode::NoAcknowledge(NoAcknowledgeSource::Unknown),
            I2cFault::Overrun => ErrorCode::Overrun,
            I2cFault::Other => ErrorCode::Other,
        }
    }
}

/// A chip on the I2C bus of a native test: a closure, or an [`I2cScript`].
///
/// ```
/// use weihe_sdk::testing::{I2cDevice, I2cFault};
///
/// /// An LM75, whose temperature can be changed through a clone of the cell.
/// fn lm75(celsius: std::rc::Rc<std::cell::Cell<f64>>) -> impl I2cDevice {
///     move |written: &[u8], read: &mut [u8]| match written {
///         [] | [0x00] => {
///             let raw = ((celsius.get() * 2.0) as i16) << 7;
///             read.copy_from_slice(&raw.to_be_bytes()[..read.len()]);
///             Ok(())
///         }
///         _ => Err(I2cFault::DataNack),
///     }
/// }
/// # let mut lm75 = lm75(std::rc::Rc::new(std::cell::Cell::new(21.5)));
/// # let mut read = [0; 2];
/// # lm75.exchange(&[0], &mut read).unwrap();
/// # assert_eq!(read, [0x15, 0x80]);
/// ```
pub trait I2cDevice {
    /// What is written in a transaction up to a read, and the read, which may be empty.
    ///
    /// ```
    /// # use weihe_sdk::testing::{I2cDevice, I2cFault};
    /// /// A register map without side effects.
    /// struct Registers([u8; 256], u8);
    ///
    /// impl I2cDevice for Registers {
    ///     fn exchange(&mut self, written: &[u8], read: &mut [u8]) -> Result<(), I2cFault> {
    ///         if let [register, values @ ..] = written {
    ///             self.1 = *register;
    ///             for value in values {
    ///                 self.0[usize::from(self.1)] = *value;
    ///                 self.1 = self.1.wrapping_add(1);
    ///             }
    ///         }
    ///         for byte in read {
    ///             *byte = self.0[usize::from(self.1)];
    ///             self.1 = self.1.wrapping_add(1);
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    fn exchange(&mut self, written: &[u8], read: &mut [u8]) -> Result<(), I2cFault>;
}

impl<F: FnMut(&[u8], &mut [u8]) -> Result<(), I2cFault>> I2cDevice for F {
    fn exchange(&mut self, written: &[u8], read: &mut [u8]) -> Result<(), I2cFault> {
        self(written, read)
    }
}

/// What a driver is to say to a chip, step by step, and what the chip answers. The test fails where the driver says
/// anything else, and at the end where it has not said all.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
/// let sensor = I2cScript::new()
///     .write(&[0x94])                                    // soft reset
///     .write(&[0xfd])                                    // measure
///     .fails(I2cFault::AddressNack)                      // it is not ready
///     .read(&[0x66, 0x66, 0x93, 0x80, 0x00, 0xa2]);
/// let kernel = setup.i2c("sensors", 0x44, sensor).start("{}")?;
/// # drop(kernel);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct I2cScript {
    steps: VecDeque<Step>,
}

#[derive(Debug)]
enum Step {
    Exchange(Vec<u8>, Vec<u8>),
    Fails(I2cFault),
}

impl I2cScript {
    /// Nothing is to be said.
    ///
    /// ```
    /// # use weihe_sdk::testing::I2cScript;
    /// let untouched = I2cScript::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Then this is written.
    ///
    /// ```
    /// # use weihe_sdk::testing::{I2cDevice, I2cScript};
    /// let mut chip = I2cScript::new().write(&[0x06]);
    /// assert_eq!(chip.exchange(&[0x06], &mut []), Ok(()));
    /// ```
    pub fn write(self, bytes: &[u8]) -> Self {
        self.write_read(bytes, &[])
    }

    /// Then so many bytes are read, and these come.
    ///
    /// ```
    /// # use weihe_sdk::testing::{I2cDevice, I2cScript};
    /// let mut chip = I2cScript::new().read(&[1, 2]);
    /// let mut read = [0; 2];
    /// assert_eq!(chip.exchange(&[], &mut read), Ok(()));
    /// assert_eq!(read, [1, 2]);
    /// ```
    pub fn read(self, bytes: &[u8]) -> Self {
        self.write_read(&[], bytes)
    }

    /// Then something is written and read in one transaction.
    ///
    /// ```
    /// # use weihe_sdk::testing::I2cScript;
    /// let identified = I2cScript::new().write_read(&[0xd0], &[0x60]);
    /// # std::mem::forget(identified);
    /// ```
    pub fn write_read(mut self, written: &[u8], read: &[u8]) -> Self {
        let step = Step::Exchange(written.to_owned(), read.to_owned());
        self.steps.push_back(step);
        self
    }

    /// Then something is tried, whatever it is, and fails.
    ///
    /// ```
    /// # use weihe_sdk::testing::{I2cDevice, I2cFault, I2cScript};
    /// let mut chip = I2cScript::new().fails(I2cFault::DataNack);
    /// assert_eq!(chip.exchange(&[0x10, 0xff], &mut []), Err(I2cFault::DataNack));
    /// ```
    pub fn fails(mut self, fault: I2cFault) -> Self {
        self.steps.push_back(Step::Fails(fault));
        self
    }
}

impl I2cDevice for I2cScript {
    // It is a test's expectation.
    #[allow(clippy::panic)]
    fn exchange(&mut self, written: &[u8], read: &mut [u8]) -> Result<(), I2cFault> {
        match self.steps.pop_front() {
            Some(Step::Fails(fault)) => Err(fault),
            Some(Step::Exchange(expected, answer)) => {
                assert!(
                    expected == written && answer.len() == read.len(),
                    "the script has {expected:02x?} written and {} bytes read; the driver wrote {written:02x?} and \
                     reads {}",
                    answer.len(),
                    read.len(),
                );
                read.copy_from_slice(&answer);
                Ok(())
            }
            None => panic!(
                "the script is at its end; the driver wrote {written:02x?} and reads {} bytes",
                read.len()
            ),
        }
    }
}

impl Drop for I2cScript {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(
                self.steps.is_empty(),
                "the script was not played to its end: {:02x?}",
                self.steps
            );
        }
    }
}
