//! What must be so after each step: which plugins and devices there are, which version runs, what an
//! operator may do, and what a request has to be answered with.

use std::collections::BTreeSet;
use std::fmt;

use weihe_tests::Chance;

/// A version of the plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    One,
    /// It has something aside: one more subscription and timer.
    Two,
    /// It traps on its 20th event.
    Trapping,
    /// It does not fit: it refuses the state of the others.
    Refusing,
}

impl Version {
    /// Its name among the components.
    pub fn file(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Trapping => "trapping",
            Self::Refusing => "refusing",
        }
    }

    /// As its description says.
    pub fn number(self) -> &'static str {
        match self {
            Self::One => "1.0.0",
            Self::Two => "2.0.0",
            Self::Trapping => "2.1.0",
            Self::Refusing => "2.2.0",
        }
    }
}

/// One step in the life of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A version that works, or does not fit.
    Swap(&'static str, Version),
    /// A file that is no plugin.
    BrokenSwap(&'static str),
    /// A version that traps on probation, as long as it takes to trap and to go back.
    TrapSwap(&'static str),
    Rollback(&'static str),
    Lift(Version),
    UnloadPlugin(&'static str),
    LoadPlugin(&'static str, Version),
    UnloadDevice(&'static str),
    LoadDevice(&'static str),
    /// An event on which a device traps once.
    Trap(&'static str),
    /// An hour: probations end, and restart budgets are whole again.
    Quiet,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A device.
#[derive(Debug)]
pub struct Device {
    pub name: &'static str,
    pub plugin: &'static str,
    pub lane: Option<&'static str>,
    /// Whether it holds the door.
    pub at_door: bool,
    pub present: bool,
    pub probation: bool,
    /// Traps since the last quiet time: far below the budget.
    pub traps: u32,
    /// Whether what only the other version has may still be there.
    pub lenient: bool,
}

/// A plugin.
#[derive(Debug)]
pub struct Plugin {
    pub name: &'static str,
    pub version: Option<Version>,
    pub before: Option<Version>,
}

/// The system.
#[derive(Debug)]
pub struct Model {
    pub plugins: Vec<Plugin>,
    pub devices: Vec<Device>,
    pub quarantine: BTreeSet<Version>,
}

/// The most traps of a device between two quiet times.
const TRAPS: u32 = 5;

impl Model {
    pub fn new() -> Self {
        let plugin = |name| Plugin {
            name,
            version: None,
            before: None,
        };
        let device = |name, plugin, lane, at_door| Device {
            name,
            plugin,
            lane,
            at_door,
            present: false,
            probation: false,
            traps: 0,
            lenient: false,
        };
        // Both plugins have a device on each of the two lanes.
        Self {
            plugins: vec![plugin("pump"), plugin("valve")],
            devices: vec![
                device("pump-a", "pump", None, true),
                device("pump-b", "pump", Some("other"), false),
                device("valve-a", "valve", Some("other"), false),
                device("valve-b", "valve", None, false),
            ],
            quarantine: BTreeSet::new(),
        }
    }

    pub fn plugin(&self, name: &str) -> &Plugin {
        let mut plugins = self.plugins.iter();
        plugins.find(|plugin| plugin.name == name).unwrap()
    }

    pub fn plugin_mut(&mut self, name: &str) -> &mut Plugin {
        let mut plugins = self.plugins.iter_mut();
        plugins.find(|plugin| plugin.name == name).unwrap()
    }

    pub fn device(&mut self, name: &str) -> &mut Device {
        let mut devices = self.devices.iter_mut();
        devices.find(|device| device.name == name).unwrap()
    }

    /// The devices of a plugin that are there.
    pub fn present(&self, plugin: &str) -> Vec<&'static str> {
        let devices = self.devices.iter();
        let present = devices.filter(|device| device.plugin == plugin && device.present);
        present.map(|device| device.name).collect()
    }

    /// A step that can be made now.
    pub fn next(&self, chance: &mut Chance) -> Step {
        loop {
            let step = self.any(chance);
            if self.allows(step) {
                return step;
            }
        }
    }

    fn any(&self, chance: &mut Chance) -> Step {
        let plugin = chance.of(&["pump", "valve"]);
        let device = chance.of(&["pump-a", "pump-b", "valve-a", "valve-b"]);
        let good = chance.of(&[Version::One, Version::Two]);
        match chance.below(100) {
            0..24 => Step::Swap(plugin, good),
            24..32 => Step::Swap(plugin, Version::Refusing),
            32..35 => Step::BrokenSwap(plugin),
            35..45 => Step::TrapSwap(plugin),
            45..53 => Step::Rollback(plugin),
            53..58 => Step::Lift(chance.of(&[Version::One, Version::Two, Version::Trapping])),
            58..61 => Step::UnloadPlugin(plugin),
            61..67 => Step::LoadPlugin(plugin, good),
            67..73 => Step::UnloadDevice(device),
            73..82 => Step::LoadDevice(device),
            82..96 => Step::Trap(device),
            _ => Step::Quiet,
        }
    }

    fn allows(&self, step: Step) -> bool {
        let loaded = |plugin| self.plugin(plugin).version.is_some();
        let device = |name| {
            let mut devices = self.devices.iter();
            devices.find(|device| device.name == name).unwrap()
        };
        match step {
            // Where nothing runs, nobody refuses and nothing traps: the bad version would stay.
            Step::Swap(plugin, Version::Refusing) | Step::TrapSwap(plugin) => {
                !self.present(plugin).is_empty()
            }
            Step::Swap(plugin, _)
            | Step::BrokenSwap(plugin)
            | Step::Rollback(plugin)
            | Step::UnloadPlugin(plugin) => loaded(plugin),
            Step::LoadPlugin(plugin, _) => !loaded(plugin),
            Step::Lift(version) => self.quarantine.contains(&version),
            Step::UnloadDevice(name) => device(name).present,
            Step::LoadDevice(name) => !device(name).present && loaded(device(name).plugin),
            Step::Trap(name) => device(name).present && device(name).traps < TRAPS,
            Step::Quiet => true,
        }
    }

    /// What a swap has to end with.
    pub fn swap(&self, plugin: &str, version: Version) -> Expected {
        if self.quarantine.contains(&version) {
            Expected::Quarantined
        } else if self.plugin(plugin).version == Some(version) {
            Expected::Same
        } else if version == Version::Refusing {
            Expected::Refused
        } else {
            Expected::Done
        }
    }

    /// A plugin's devices have taken a version, on probation.
    pub fn swapped(&mut self, name: &str, version: Version) {
        let plugin = self.plugin_mut(name);
        plugin.before = plugin.version.replace(version);
        for device in self.devices.iter_mut().filter(|device| device.present) {
            if device.plugin == name {
                device.probation = true;
                device.lenient = true;
                device.traps = 0;
            }
        }
    }

    /// They went back.
    pub fn returned(&mut self, name: &str) {
        let plugin = self.plugin_mut(name);
        let bad = std::mem::replace(&mut plugin.version, plugin.before.take());
        self.quarantine.extend(bad);
        for device in &mut self.devices {
            if device.plugin == name {
                device.probation = false;
                device.lenient = device.present;
            }
        }
    }
}

/// How a swap ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Done,
    Same,
    Quarantined,
    Refused,
}
