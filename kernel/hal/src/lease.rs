//! Who holds what. Lines, addresses, selects, ports and channels have one holder, a device; what it holds
//! belongs to it and not to its instance, so it outlives restarts and changes of versions.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::error::HalError;
use crate::hardware::Kind;
use crate::line::HeldLine;
use crate::output::HeldChannel;
use crate::serial::Port;
use crate::spi::SpiDevice;

/// What one of a board can be held: a line, an address on a bus, ...
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thing {
    /// Of which kind.
    pub kind: Kind,
    /// What the board calls it.
    pub name: String,
    /// An address on it.
    pub address: Option<u16>,
}

impl Thing {
    /// Something as a whole.
    pub fn whole(kind: Kind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            address: None,
        }
    }

    /// An address on a bus.
    pub fn address(bus: &str, address: u16) -> Self {
        Self {
            kind: Kind::I2c,
            name: bus.to_owned(),
            address: Some(address),
        }
    }

    fn words(&self) -> String {
        match self.address {
            Some(address) => format!("address {address:#04x} on {}", self.name),
            None => self.name.clone(),
        }
    }
}

/// All that is held of a board.
#[derive(Default)]
pub struct Leases {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    things: HashMap<Thing, Arc<str>>,
    devices: HashMap<String, Weak<DeviceLeases>>,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a device holds; shared by all of its instances. When the last of them lets go of it,
    /// everything is free.
    pub fn of(self: &Arc<Self>, device: &str) -> Arc<DeviceLeases> {
        let mut held = self.lock();
        if let Some(known) = held.devices.get(device).and_then(Weak::upgrade) {
            return known;
        }
        held.devices.retain(|_, leases| leases.strong_count() > 0);
        let fresh = Arc::new(DeviceLeases {
            device: device.into(),
            all: self.clone(),
            open: Mutex::default(),
        });
        held.devices
            .insert(device.to_owned(), Arc::downgrade(&fresh));
        fresh
    }

    fn claim(self: &Arc<Self>, device: &Arc<str>, thing: Thing) -> Result<Claim, HalError> {
        let mut held = self.lock();
        if let Some(holder) = held.things.get(&thing)
            && holder != device
        {
            return Err(HalError::Taken {
                name: thing.words(),
                holder: format!("device `{holder}`"),
            });
        }
        // One of the same name that has ended but not let go yet loses it.
        held.things.insert(thing.clone(), device.clone());
        Ok(Claim {
            all: self.clone(),
            device: device.clone(),
            thing,
        })
    }
}

/// Something that a device holds, until this is dropped.
pub struct Claim {
    all: Arc<Leases>,
    device: Arc<str>,
    thing: Thing,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut held = self.all.lock();
        let own = |holder: &Arc<str>| Arc::ptr_eq(holder, &self.device);
        if held.things.get(&self.thing).is_some_and(own) {
            held.things.remove(&self.thing);
        }
    }
}

/// What one device holds.
pub struct DeviceLeases {
    device: Arc<str>,
    all: Arc<Leases>,
    open: Mutex<Open>,
}

/// What is open, by the name of the board.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) lines: BTreeMap<String, Arc<HeldLine>>,
    pub(crate) addresses: BTreeMap<Thing, Claim>,
    pub(crate) spi: BTreeMap<String, (Claim, Arc<dyn SpiDevice>)>,
    pub(crate) uart: BTreeMap<String, (Claim, Arc<dyn Port>)>,
    pub(crate) pwm: BTreeMap<String, Arc<HeldChannel>>,
}

impl DeviceLeases {
    /// The device's name.
    pub fn device(&self) -> &Arc<str> {
        &self.device
    }

    /// Takes something for the device; an error names who has it.
    pub fn claim(&self, thing: Thing) -> Result<Claim, HalError> {
        self.all.claim(&self.device, thing)
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(leases: &DeviceLeases, thing: &Thing) -> String {
        leases.claim(thing.clone()).err().unwrap().to_string()
    }

    #[test]
    fn the_second_taker_is_told_who_was_first() {
        let leases = Arc::new(Leases::default());
        let (pump, lamp) = (leases.of("pump"), leases.of("lamp"));
        let line = Thing::whole(Kind::Gpio, "gpio/A3");
        let _line = pump.claim(line.clone()).unwrap();
        assert_eq!(refusal(&lamp, &line), "gpio/A3 is taken by device `pump`");
        let address = Thing::address("i2c/1", 0x44);
        let _address = lamp.claim(address.clone()).unwrap();
        assert_eq!(
            refusal(&pump, &address),
            "address 0x44 on i2c/1 is taken by device `lamp`"
        );
        pump.claim(Thing::address("i2c/1", 0x45)).unwrap();
    }

    #[test]
    fn what_a_device_holds_outlives_its_instances_and_ends_with_the_last() {
        let leases = Arc::new(Leases::default());
        let first = leases.of("pump");
        let address = Thing::address("i2c/1", 0x44);
        let claim = first.claim(address.clone()).unwrap();
        first.open().addresses.insert(address.clone(), claim);
        let second = leases.of("pump");
        drop(first);
        let lamp = leases.of("lamp");
        refusal(&lamp, &address);
        drop(second);
        let _taken = lamp.claim(address.clone()).unwrap();
        // A device of the same name that comes later begins with nothing.
        refusal(&leases.of("pump"), &address);
    }

    #[test]
    fn the_end_of_a_former_device_takes_nothing_from_one_of_its_name() {
        let leases = Arc::new(Leases::default());
        let line = Thing::whole(Kind::Gpio, "gpio/A3");
        let former = leases.of("pump");
        let kept = former.claim(line.clone()).unwrap();
        drop(former);
        let pump = leases.of("pump");
        let _line = pump.claim(line.clone()).unwrap();
        drop(kept);
        refusal(&leases.of("lamp"), &line);
    }
}
