//! Which devices may share a group with others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::limits::{ALONE_TURNS, GROUP_TIME};

/// What the writer remembers of the manners of devices.
#[derive(Default)]
pub(crate) struct Company {
    /// Devices that spoilt a group, with the turns for which they stay alone.
    alone: HashMap<Arc<str>, u32>,
    /// Devices whose last turn took longer than a group waits.
    slow: HashSet<Arc<str>>,
}

impl Company {
    /// Whether a device's turn may be taken into a group in which others wait for their commit.
    /// They would wait for the end of its turn: so not for a device that took long the last time.
    pub fn may_join(&self, device: &Arc<str>) -> bool {
        !self.alone.contains_key(device) && !self.slow.contains(device)
    }

    /// A turn begins. Says whether others must stay out of its group.
    pub fn begin(&mut self, device: &Arc<str>) -> bool {
        let Some(left) = self.alone.get_mut(device) else {
            return false;
        };
        *left -= 1;
        if *left == 0 {
            self.alone.remove(device);
        }
        true
    }

    /// A turn has ended after so long.
    pub fn end(&mut self, device: &Arc<str>, time: Duration) {
        if time <= GROUP_TIME {
            self.slow.remove(device);
        } else if !self.slow.contains(device) {
            self.slow.insert(device.clone());
        }
    }

    /// A device has undone, or may have undone, the work of others.
    pub fn spoilt(&mut self, device: Arc<str>) {
        self.alone.insert(device, ALONE_TURNS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_device_joins_again_when_it_was_quick() {
        let (mut company, device) = (Company::default(), Arc::from("soil"));
        assert!(company.may_join(&device));
        company.end(&device, 2 * GROUP_TIME);
        assert!(!company.may_join(&device));
        company.end(&device, GROUP_TIME);
        assert!(company.may_join(&device));
    }

    #[test]
    fn a_device_that_spoilt_a_group_is_alone_for_a_while() {
        let (mut company, device) = (Company::default(), Arc::from("wild"));
        company.spoilt(Arc::clone(&device));
        for _ in 0..ALONE_TURNS {
            assert!(!company.may_join(&device));
            assert!(company.begin(&device));
        }
        assert!(company.may_join(&device));
        assert!(!company.begin(&device));
    }
}
