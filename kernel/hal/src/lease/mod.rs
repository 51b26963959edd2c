//! Who holds what. Lines, addresses, selects, ports and channels have one holder, a device; what it holds
//! belongs to it and not to its instance, so it outlives restarts and changes of versions.
//!
//! Which versions of the plugin have opened a thing is kept with it. While a version may still run for the
//! device, what it has opened stays as it is; what only others had opened is let go of
//! ([`DeviceLeases::keep`]), and what a version changes that is refused is changed back
//! ([`DeviceLeases::undo`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use weihe_kernel::failsafe::Outputs;

use crate::error::HalError;
use crate::hardware::Kind;
use crate::line::HeldLine;
use crate::output::HeldChannel;
use crate::peripheral::{HeldPort, HeldSpi};
use crate::shelf::{Shelf, Used};

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
    things: HashMap<Thing, Holder>,
    devices: HashMap<Arc<str>, (Weak<Outputs>, Weak<DeviceLeases>)>,
    /// Outputs that are open, also those of devices that have ended: their safe values may be under way.
    lines: HashMap<String, Weak<HeldLine>>,
    channels: HashMap<String, Weak<HeldChannel>>,
    claims: u64,
}

struct Holder {
    device: Arc<str>,
    claim: u64,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a device holds; shared by all versions of its plugin and all of their instances. When the
    /// last of them lets go of it, everything is free. A device is known by its outputs: one of the same
    /// name that comes after it is another.
    pub fn of(self: &Arc<Self>, outputs: &Arc<Outputs>) -> Arc<DeviceLeases> {
        let mut held = self.lock();
        let same = |known: &Weak<Outputs>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(outputs));
        let known = held.devices.get(outputs.device());
        let known = known.filter(|(known, _)| same(known));
        if let Some(leases) = known.and_then(|(_, leases)| leases.upgrade()) {
            return leases;
        }
        let fresh = Arc::new(DeviceLeases {
            all: self.clone(),
            outputs: outputs.clone(),
            open: Mutex::default(),
        });
        held.devices
            .retain(|_, (_, leases)| leases.strong_count() > 0);
        let entry = (Arc::downgrade(outputs), Arc::downgrade(&fresh));
        held.devices.insert(outputs.device().clone(), entry);
        fresh
    }

    /// All that is held, each with the name of the device that holds it.
    pub fn held(&self) -> Vec<(Thing, Arc<str>)> {
        let held = self.lock();
        let things = held.things.iter();
        things
            .map(|(thing, holder)| (thing.clone(), holder.device.clone()))
            .collect()
    }

    /// The lines and PWM channels that devices have open.
    pub(crate) fn outputs(&self) -> (Vec<Arc<HeldLine>>, Vec<Arc<HeldChannel>>) {
        let held = self.lock();
        let lines = held.lines.values().filter_map(Weak::upgrade).collect();
        let channels = held.channels.values().filter_map(Weak::upgrade).collect();
        (lines, channels)
    }

    fn claim(self: &Arc<Self>, device: &Arc<str>, thing: Thing) -> Result<Claim, HalError> {
        let mut held = self.lock();
        if let Some(holder) = held.things.get(&thing)
            && holder.device != *device
        {
            return Err(HalError::Taken {
                name: thing.words(),
                holder: format!("device `{}`", holder.device),
            });
        }
        held.claims += 1;
        // One of the same name that has ended but not let go yet loses it.
        let holder = Holder {
            device: device.clone(),
            claim: held.claims,
        };
        let claim = holder.claim;
        held.things.insert(thing.clone(), holder);
        Ok(Claim {
            all: self.clone(),
            claim,
            thing,
        })
    }

    /// A line that one of this name held and has not let go of yet.
    fn left_line(&self, device: &str, name: &str) -> Option<Arc<HeldLine>> {
        let held = self.lock();
        let holder = held.things.get(&Thing::whole(Kind::Gpio, name))?;
        let line = held.lines.get(name).filter(|_| *holder.device == *device);
        line.and_then(Weak::upgrade)
    }

    fn left_channel(&self, device: &str, name: &str) -> Option<Arc<HeldChannel>> {
        let held = self.lock();
        let holder = held.things.get(&Thing::whole(Kind::Pwm, name))?;
        let channel = held.channels.get(name);
        let channel = channel.filter(|_| *holder.device == *device);
        channel.and_then(Weak::upgrade)
    }
}

/// Something that a device holds, until this is dropped.
pub struct Claim {
    all: Arc<Leases>,
    claim: u64,
    thing: Thing,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut held = self.all.lock();
        let own = |holder: &Holder| holder.claim == self.claim;
        if held.things.get(&self.thing).is_some_and(own) {
            held.things.remove(&self.thing);
        }
    }
}

/// What one device holds.
pub struct DeviceLeases {
    all: Arc<Leases>,
    outputs: Arc<Outputs>,
    open: Mutex<Open>,
}

/// What is open, by the name of the board.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) lines: Shelf<String, HeldLine>,
    pub(crate) channels: Shelf<String, HeldChannel>,
    pub(crate) addresses: Shelf<Thing, Claim>,
    pub(crate) spi: Shelf<String, HeldSpi>,
    pub(crate) uart: Shelf<String, HeldPort>,
}

impl DeviceLeases {
    /// The device's name.
    pub fn device(&self) -> &Arc<str> {
        self.outputs.device()
    }

    /// Where it declares safe values.
    pub fn outputs(&self) -> &Arc<Outputs> {
        &self.outputs
    }

    /// Takes something for the device; an error names who has it.
    pub fn claim(&self, thing: Thing) -> Result<Claim, HalError> {
        self.all.claim(self.device(), thing)
    }

    /// A line that a former device of this name has left: it need not be closed and opened again.
    pub(crate) fn inherit_line(&self, name: &str) -> Option<Arc<HeldLine>> {
        self.all.left_line(self.device(), name)
    }

    /// A channel that a former device of this name has left.
    pub(crate) fn inherit_channel(&self, name: &str) -> Option<Arc<HeldChannel>> {
        let channel = self.all.left_channel(self.device(), name)?;
        channel.take_over();
        Some(channel)
    }

    /// A line was opened: a device of this name that comes later finds it.
    pub(crate) fn opened_line(&self, name: &str, line: &Arc<HeldLine>) {
        let mut held = self.all.lock();
        held.lines.retain(|_, line| line.strong_count() > 0);
        held.lines.insert(name.to_owned(), Arc::downgrade(line));
    }

    /// A channel was opened.
    pub(crate) fn opened_channel(&self, name: &str, channel: &Arc<HeldChannel>) {
        let mut held = self.all.lock();
        held.channels
            .retain(|_, channel| channel.strong_count() > 0);
        held.channels
            .insert(name.to_owned(), Arc::downgrade(channel));
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that is open already, for a version that may change how it is used; none when it is not. How it
    /// was used is asked without anything being locked: that may wait for hardware.
    pub(crate) fn take<K, T, Q>(
        &self,
        shelf: impl Fn(&mut Open) -> &mut Shelf<K, T>,
        name: &Q,
        version: &Arc<str>,
    ) -> Option<Arc<T>>
    where
        K: Ord + Clone + std::borrow::Borrow<Q>,
        T: Used,
        Q: ?Sized + Ord,
    {
        let (what, comes) = shelf(&mut self.open()).find(name, version)?;
        if comes {
            let before = what.in_use();
            shelf(&mut self.open()).came(name, version, before);
        }
        Some(what)
    }

    /// Changes back what a refused version has changed.
    pub fn undo(&self, version: &str) {
        let outputs = &self.outputs;
        let mut open = self.open();
        open.lines.undo(version, outputs);
        open.channels.undo(version, outputs);
        open.spi.undo(version, outputs);
        open.uart.undo(version, outputs);
    }

    /// Lets go of what none of these versions has opened; outputs among it go to their safe values first.
    /// Without a version the device has ended, which has set them all.
    pub fn keep(&self, versions: &[&str]) {
        let outputs = self.take_out(versions);
        if !versions.is_empty() {
            self.retire(&outputs);
        }
        let_go(outputs);
    }

    /// Takes out what none of these versions has opened; returns the outputs, which are open as long as
    /// that is kept.
    fn take_out(&self, versions: &[&str]) -> LetGo {
        let mut open = self.open();
        open.addresses.keep(versions);
        open.spi.keep(versions);
        open.uart.keep(versions);
        (open.lines.keep(versions), open.channels.keep(versions))
    }

    fn retire(&self, (lines, channels): &LetGo) {
        for name in lines.keys().chain(channels.keys()) {
            self.outputs.retire(name);
        }
    }
}

/// The version that runs now may touch no hardware, and so does not say which versions are kept.
impl Drop for DeviceLeases {
    fn drop(&mut self) {
        let outputs = self.take_out(&[]);
        self.retire(&outputs);
        let_go(outputs);
    }
}

fn let_go((lines, channels): LetGo) {
    lines.into_values().for_each(HeldLine::let_go);
    channels.into_values().for_each(HeldChannel::let_go);
}

/// Lines and channels that nobody uses any more.
type LetGo = (
    BTreeMap<String, Arc<HeldLine>>,
    BTreeMap<String, Arc<HeldChannel>>,
);

#[cfg(test)]
mod tests;
