//! What the operator looks at, and how keys change it.

use std::cmp::Ordering;

use weihe_kernel::device::DeviceStatus;

use super::reading::Reading;
use crate::language::{Text, say};

/// By what devices are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// By events handled a second, the most first; and so on.
    Events,
    Published,
    Lane,
    Latency,
    Memory,
    Drops,
    Restarts,
}

impl Sort {
    /// The next one.
    fn next(self) -> Self {
        match self {
            Self::Name => Self::Events,
            Self::Events => Self::Published,
            Self::Published => Self::Lane,
            Self::Lane => Self::Latency,
            Self::Latency => Self::Memory,
            Self::Memory => Self::Drops,
            Self::Drops => Self::Restarts,
            Self::Restarts => Self::Name,
        }
    }

    /// The column, as it is headed.
    pub fn heading(self) -> Text {
        match self {
            Self::Name => say::top_column_device(),
            Self::Events => say::top_column_in(),
            Self::Published => say::top_column_out(),
            Self::Lane => Text::same("CPU%"),
            Self::Latency => Text::same("P99"),
            Self::Memory => say::top_column_memory(),
            Self::Drops => say::top_column_drops(),
            Self::Restarts => say::top_column_restarts(),
        }
    }
}

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Quit,
    Up,
    Down,
    PageUp,
    PageDown,
    Enter,
    Back,
    Sort,
    Pause,
}

/// What the operator looks at.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The selected device, by name: it stays selected when the order changes.
    pub selected: Option<String>,
    pub sort: Sort,
    pub paused: bool,
    /// Whether the selected device is shown in full, from which line on.
    pub details: Option<usize>,
}

impl View {
    /// Devices in the order in which they are shown.
    pub fn ordered<'r>(&self, reading: &'r Reading) -> Vec<&'r DeviceStatus> {
        let mut devices: Vec<&DeviceStatus> = reading.ps.status.devices.iter().collect();
        devices.sort_by(|one, other| {
            self.compare(reading, one, other)
                .then_with(|| one.name.cmp(&other.name))
        });
        devices
    }

    fn compare(&self, reading: &Reading, one: &DeviceStatus, other: &DeviceStatus) -> Ordering {
        let by = |key: fn(&Reading, &DeviceStatus) -> f64| {
            key(reading, other).total_cmp(&key(reading, one))
        };
        match self.sort {
            Sort::Name => Ordering::Equal,
            Sort::Events => by(|reading, device| reading.speed(device).events),
            Sort::Published => by(|reading, device| reading.speed(device).published),
            Sort::Lane => by(|reading, device| reading.speed(device).lane.unwrap_or(0.0)),
            Sort::Latency => by(|_, device| shown_latency(device).p99 as f64),
            Sort::Memory => by(|_, device| used(device, "memory") as f64),
            Sort::Drops => by(|_, device| device.dropped as f64),
            Sort::Restarts => by(|_, device| device.restarts() as f64),
        }
    }

    /// The place of the selected device; the first when it is gone.
    pub fn place(&self, devices: &[&DeviceStatus]) -> usize {
        let selected = self.selected.as_deref();
        let found = devices
            .iter()
            .position(|device| Some(&*device.name) == selected);
        found.unwrap_or(0)
    }

    /// A key was pressed; returns whether to go on. `page` is how many lines a page has.
    pub fn press(&mut self, key: Key, reading: &Reading, page: usize) -> bool {
        let steps = match key {
            Key::Quit => return false,
            Key::Sort => {
                self.sort = self.sort.next();
                return true;
            }
            Key::Pause => {
                self.paused = !self.paused;
                return true;
            }
            Key::Enter => {
                self.details = match self.details {
                    None if !reading.ps.status.devices.is_empty() => Some(0),
                    _ => None,
                };
                0
            }
            Key::Back => {
                self.details = None;
                return true;
            }
            Key::Up => -1,
            Key::Down => 1,
            Key::PageUp => -(page.max(1) as isize),
            Key::PageDown => page.max(1) as isize,
        };
        if let Some(line) = &mut self.details {
            *line = line.saturating_add_signed(steps);
        }
        let devices = self.ordered(reading);
        let place = match self.details {
            Some(_) => self.place(&devices),
            None => self.place(&devices).saturating_add_signed(steps),
        };
        let selected = devices.get(place.min(devices.len().saturating_sub(1)));
        self.selected = selected.map(|device| device.name.clone());
        true
    }
}

/// The latency that is shown: from the publication of an event on where that is known, else of the handler.
pub fn shown_latency(device: &DeviceStatus) -> &weihe_kernel::connection::Latency {
    match device.usage.latency.count {
        0 => &device.usage.handling,
        _ => &device.usage.latency,
    }
}

/// What is used now of one of a device's limits.
pub fn used(device: &DeviceStatus, limit: &str) -> u64 {
    let budget = device
        .usage
        .budgets
        .iter()
        .find(|budget| budget.limit == limit);
    budget.and_then(|budget| budget.now).unwrap_or(0)
}
