//! The memory and tables of an instance: bounded, and measured as they grow.

use wasmtime::ResourceLimiter;

use crate::limits::Limits;

/// The most core instances and tables of a component: the plugin, the adapters that the toolchain
/// adds, and room.
const MAX_CORE_INSTANCES: usize = 32;

/// The most linear memories of a component; toolchains make one.
const MAX_MEMORIES: usize = 4;

/// Memory and tables of one instance, all of its core instances together.
#[derive(Debug)]
pub struct Meter {
    pub(super) memory: Level,
    pub(super) table_elements: Level,
}

/// How much there is of something, and how much there may be.
#[derive(Debug)]
pub(super) struct Level {
    used: usize,
    most: usize,
    /// The last growth that was allowed; the engine may fail it afterwards.
    last: usize,
}

impl Level {
    fn new(most: usize) -> Self {
        Self {
            used: 0,
            most,
            last: 0,
        }
    }

    /// How much there is.
    pub(super) fn used(&self) -> u64 {
        self.used as u64
    }

    /// Whether one memory or table may grow, given what the module itself allows.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        // The failure of one that is not allowed must take nothing back.
        self.last = 0;
        let growth = desired.saturating_sub(current);
        let allowed = maximum.is_none_or(|maximum| desired <= maximum)
            && self.used.saturating_add(growth) <= self.most;
        if allowed {
            self.used += growth;
            self.last = growth;
        }
        allowed
    }

    fn failed(&mut self) {
        self.used -= std::mem::take(&mut self.last);
    }
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            memory: Level::new(limits.memory.bytes()),
            table_elements: Level::new(limits.table_elements as usize),
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired, maximum))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.failed();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.table_elements.grow(current, desired, maximum))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements.failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_share_one_limit_and_a_growth_that_fails_is_taken_back() {
        let mut level = Level::new(100);
        assert!(level.grow(0, 60, None));
        assert!(!level.grow(0, 60, None), "another memory");
        assert!(!level.grow(60, 70, Some(65)), "the module's own limit");
        assert!(level.grow(0, 40, None));
        level.failed();
        assert_eq!(level.used(), 60);
        level.failed();
        assert_eq!(level.used(), 60, "once");
    }
}
