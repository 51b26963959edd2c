//! The board's buses as embedded-hal has them.

use std::sync::Arc;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use weihe_kernel::VirtualClock;

use crate::hardware::Hardware as _;
use crate::i2c::{I2cBus, I2cError, I2cFault, I2cOperation};
use crate::virtual_board::VirtualBoard;
use crate::virtual_board::tests::board;

/// A bus.
#[derive(Clone)]
pub struct Bus(Arc<dyn I2cBus>);

/// An error, as embedded-hal names it.
#[derive(Debug)]
pub struct Failed(pub I2cError);

impl Error for Failed {
    fn kind(&self) -> ErrorKind {
        match self.0.fault {
            I2cFault::AddressNack => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
            I2cFault::DataNack => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data),
            I2cFault::Bus => ErrorKind::Bus,
            _ => ErrorKind::Other,
        }
    }
}

impl ErrorType for Bus {
    type Error = Failed;
}

impl I2c for Bus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Failed> {
        // Operations of one kind in a row are one: there is no start between them.
        let mut joined: Vec<I2cOperation> = Vec::new();
        for operation in operations.iter() {
            match (operation, joined.last_mut()) {
                (Operation::Write(bytes), Some(I2cOperation::Write(all))) => all.extend(*bytes),
                (Operation::Write(bytes), _) => joined.push(I2cOperation::Write(bytes.to_vec())),
                (Operation::Read(bytes), Some(I2cOperation::Read(all))) => {
                    all.resize(all.len() + bytes.len(), 0);
                }
                (Operation::Read(bytes), _) => {
                    joined.push(I2cOperation::Read(vec![0; bytes.len()]))
                }
            }
        }
        self.0
            .transaction(address.into(), &mut joined)
            .map_err(Failed)?;
        let mut read = joined.into_iter().flat_map(|operation| match operation {
            I2cOperation::Read(bytes) => bytes,
            I2cOperation::Write(_) => Vec::new(),
        });
        for operation in operations {
            if let Operation::Read(bytes) = operation {
                bytes
                    .iter_mut()
                    .zip(read.by_ref())
                    .for_each(|(to, from)| *to = from);
            }
        }
        Ok(())
    }
}

/// Time that passes when a driver waits.
pub struct Delay(pub VirtualClock);

impl DelayNs for Delay {
    fn delay_ns(&mut self, ns: u32) {
        self.0.advance(ns.into());
    }
}

/// A board with one device, its bus, and its time.
pub fn device(text: &str) -> (Arc<VirtualBoard>, Bus, Delay) {
    let (board, clock) = board(text);
    let bus = Bus(board.i2c("i2c/1").unwrap());
    (board, bus, Delay(clock))
}
