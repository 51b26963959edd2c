//! I2C buses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::core::Core;
use super::fault::{Fault, Force, Forces};
use super::models::{Bench, I2cModel, Nack};
use crate::i2c::{I2cBus, I2cError, I2cFault, I2cOperation};

/// A bus with what is on it.
pub struct Bus {
    /// What the board calls it.
    pub name: String,
    state: Mutex<State>,
}

/// A device on a bus.
pub struct Slot {
    /// What the board calls it, if it has a name.
    pub name: Option<String>,
    /// How it behaves.
    pub model: Box<dyn I2cModel>,
    /// What is wrong with it.
    pub faults: Forces,
    /// Transactions with it that succeeded.
    pub done: u64,
    /// Transactions with it that failed.
    pub failed: u64,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<u16, Slot>,
    /// Further addresses of devices that have several: which device, and which of its blocks.
    others: BTreeMap<u16, (u16, u8)>,
    faults: Forces,
}

impl Bus {
    /// A bus with nothing on it.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a device at an address and, where it has several, those that follow; false where one of them is
    /// taken.
    pub fn attach(&self, address: u16, name: Option<String>, model: Box<dyn I2cModel>) -> bool {
        let mut state = self.state();
        let blocks = model.blocks();
        let mut all = (0..u16::from(blocks)).map(|block| address + block);
        if all.any(|one| state.slots.contains_key(&one) || state.others.contains_key(&one)) {
            return false;
        }
        for block in 1..blocks {
            let other = address + u16::from(block);
            state.others.insert(other, (address, block));
        }
        let slot = Slot {
            name,
            model,
            faults: Forces::default(),
            done: 0,
            failed: 0,
        };
        state.slots.insert(address, slot);
        true
    }

    /// The devices get power.
    pub fn power_on(&self, core: &Core) {
        let bench = Bench::new(core);
        for slot in self.state().slots.values_mut() {
            slot.model.power_on(&bench);
        }
    }

    /// Does something with a device; none where there is none.
    pub fn with<T>(&self, address: u16, work: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        let mut state = self.state();
        let address = state.others.get(&address).map_or(address, |(at, _)| *at);
        state.slots.get_mut(&address).map(work)
    }

    /// Does something with each device.
    pub fn each(&self, mut work: impl FnMut(u16, &Slot)) {
        for (address, slot) in &self.state().slots {
            work(*address, slot);
        }
    }

    /// The device of a name.
    pub fn named(&self, name: &str) -> Option<u16> {
        let state = self.state();
        let mut slots = state.slots.iter();
        slots.find_map(|(address, slot)| (slot.name.as_deref() == Some(name)).then_some(*address))
    }

    /// What is wrong with the bus itself.
    pub fn faults(&self) -> Forces {
        self.state().faults.clone()
    }

    /// Puts a fault of the bus in force.
    pub fn put(&self, force: Force) {
        self.state().faults.put(force);
    }

    /// Mends the bus.
    pub fn mend(&self) {
        self.state().faults.clear();
    }

    /// A pin of a device has another level.
    pub fn pin_changed(&self, core: &Core, address: u16) {
        let bench = Bench::new(core);
        if let Some(slot) = self.state().slots.get_mut(&address) {
            slot.model.pin_changed(&bench);
        }
    }

    fn failure(&self, fault: I2cFault, message: String) -> I2cError {
        I2cError { fault, message }
    }

    /// What is wrong with the bus, if it shows now.
    fn broken(&self, state: &mut State) -> Option<I2cError> {
        let name = &self.name;
        let failed = state.faults.show(|fault| match fault {
            Fault::Stuck(_) => Some(self.failure(
                I2cFault::Bus,
                format!("{name} is stuck: its data line is held low"),
            )),
            Fault::Arbitration => Some(self.failure(
                I2cFault::ArbitrationLoss,
                format!("{name}: another master was faster"),
            )),
            Fault::Timeout => {
                Some(self.failure(I2cFault::Other, format!("{name}: nothing came in time")))
            }
            _ => None,
        });
        if failed.is_some() {
            state.faults.clock();
        }
        failed
    }

    fn transact(
        &self,
        core: &Core,
        address: u16,
        operations: &mut [I2cOperation],
    ) -> Result<(), I2cError> {
        let mut state = self.state();
        if let Some(error) = self.broken(&mut state) {
            return Err(error);
        }
        let (at, block) = state.others.get(&address).copied().unwrap_or((address, 0));
        let nobody = || {
            let text = format!("nobody answers at address {address:#04x} on {}", self.name);
            self.failure(I2cFault::AddressNack, text)
        };
        let slot = state.slots.get_mut(&at).ok_or_else(nobody)?;
        let shown = slot.faults.show(|fault| match fault {
            Fault::Nack | Fault::Unplugged => Some(nobody()),
            Fault::Timeout => Some(self.failure(
                I2cFault::Other,
                format!(
                    "address {address:#04x} on {}: nothing came in time",
                    self.name
                ),
            )),
            _ => None,
        });
        let bench = Bench::new(core);
        let outcome = match shown {
            Some(error) => Err(error),
            None => {
                slot.model.select(block);
                let done = self.carry_out(slot, address, operations, &bench);
                slot.model.stop(&bench);
                done
            }
        };
        match outcome {
            Ok(()) => slot.done += 1,
            Err(_) => slot.failed += 1,
        }
        outcome
    }

    fn carry_out(
        &self,
        slot: &mut Slot,
        address: u16,
        operations: &mut [I2cOperation],
        bench: &Bench<'_>,
    ) -> Result<(), I2cError> {
        let name = &self.name;
        let refused = |nack| {
            match nack {
            Nack::Address => self.failure(
                I2cFault::AddressNack,
                format!("address {address:#04x} on {name} does not acknowledge its address"),
            ),
            Nack::Data(byte) => self.failure(
                I2cFault::DataNack,
                format!("address {address:#04x} on {name} does not acknowledge byte {byte} of what is written"),
            ),
        }
        };
        let mut written = 0;
        for operation in operations {
            match operation {
                I2cOperation::Read(bytes) => {
                    bytes.fill(0xff);
                    slot.model.read(bytes, bench).map_err(refused)?;
                }
                I2cOperation::Write(bytes) => {
                    let before = written;
                    written += bytes.len();
                    let at = |fault| match fault {
                        Fault::NackAt(byte) => {
                            let byte = byte as usize;
                            (byte > before && byte <= written).then_some(byte)
                        }
                        _ => None,
                    };
                    match slot.faults.show(at) {
                        Some(byte) => {
                            // What came before it has been taken.
                            let taken = bytes.get(..byte - before - 1).unwrap_or_default();
                            slot.model.write(taken, bench).map_err(refused)?;
                            return Err(refused(Nack::Data(byte)));
                        }
                        None => slot.model.write(bytes, bench).map_err(|nack| match nack {
                            Nack::Data(byte) => refused(Nack::Data(before + byte)),
                            Nack::Address => refused(nack),
                        })?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// A bus that is open.
pub struct OpenBus {
    /// The board.
    pub core: Arc<Core>,
    /// The bus.
    pub bus: Arc<Bus>,
}

impl I2cBus for OpenBus {
    fn transaction(&self, address: u16, operations: &mut [I2cOperation]) -> Result<(), I2cError> {
        self.core.catch_up();
        let outcome = self.bus.transact(&self.core, address, operations);
        self.core.react();
        outcome
    }
}
