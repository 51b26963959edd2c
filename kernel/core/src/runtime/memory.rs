//! The memory that the host keeps within: what instances hold and compilers may take, against one budget.
//!
//! Counted is what instances have grown to, not what their limits allow: many devices with a generous
//! limit fit as long as they are modest. What does not fit is refused to whoever asks for it, before the
//! operating system ends the whole host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

use crate::device::Device;
use crate::units::Size;

/// What is kept for the host itself: code, database, log, queues. A host with its database was measured
/// at 26 MiB, of which 3 are its own and the others pages of files that the kernel can drop.
pub const HOST_RESERVE: u64 = 24 << 20;

/// There is not enough memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} of memory are needed and {} are left: {} short of the host's limit of {}",
    Size(*.needed), Size(*.left), Size(.needed.saturating_sub(*.left)), Size(*.limit)
)]
pub struct Short {
    /// What was asked for, in bytes.
    pub needed: u64,
    /// What is left.
    pub left: u64,
    /// The limit of the host as a whole.
    pub limit: u64,
}

/// How much of the host's memory is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// The limit of the host as a whole, in bytes; none: whatever the machine has.
    pub limit: Option<u64>,
    /// What of it is kept for the host itself.
    pub reserve: u64,
    /// What instances hold, and compilers may take at the moment.
    pub used: u64,
    /// How often memory was refused since the start.
    pub refused: u64,
}

/// The budget of a host.
#[derive(Debug)]
pub struct HostMemory {
    limit: Option<u64>,
    used: AtomicU64,
    refused: AtomicU64,
}

impl HostMemory {
    /// A budget within a limit for the whole host; without one, nothing is refused.
    pub fn new(limit: Option<Size>) -> Arc<Self> {
        Arc::new(Self {
            limit: limit.map(|limit| limit.0),
            used: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    fn most(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(HOST_RESERVE))
    }

    /// What is left; none when there is no limit.
    pub fn left(&self) -> Option<u64> {
        let used = self.used.load(Ordering::Relaxed);
        self.most().map(|most| most.saturating_sub(used))
    }

    /// Whether so much is left now. What is only asked may be gone when it is taken.
    pub fn check(&self, needed: u64) -> Result<(), Short> {
        match (self.limit, self.left()) {
            (Some(limit), Some(left)) if left < needed => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Short {
                    needed,
                    left,
                    limit,
                })
            }
            _ => Ok(()),
        }
    }

    /// Takes memory. It must be given back.
    pub fn take(&self, bytes: u64) -> Result<(), Short> {
        let most = self.most().unwrap_or(u64::MAX);
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= most)
            });
        match taken {
            Ok(_) => Ok(()),
            Err(used) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Short {
                    needed: bytes,
                    left: most.saturating_sub(used),
                    limit: self.limit.unwrap_or(u64::MAX),
                })
            }
        }
    }

    /// Gives memory back that was taken.
    pub fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes memory for as long as the returned value lives.
    pub fn hold(self: &Arc<Self>, bytes: u64) -> Result<Held, Short> {
        self.take(bytes)?;
        let memory = self.clone();
        Ok(Held { memory, bytes })
    }

    /// How much is used.
    pub fn status(&self) -> MemoryStatus {
        MemoryStatus {
            limit: self.limit,
            reserve: self.limit.map_or(0, |limit| limit.min(HOST_RESERVE)),
            used: self.used.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

/// Memory that is taken.
#[derive(Debug)]
pub struct Held {
    memory: Arc<HostMemory>,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

/// What one instance may have: its own limits, and what is left to the host.
pub struct Ration<L> {
    limits: L,
    held: Held,
    /// What the growth that was just allowed takes.
    growing: u64,
    /// Why memory was refused in the current call.
    short: Option<Short>,
    /// Whose it is, to tell of it.
    device: Option<Arc<Device>>,
    told: bool,
}

impl<L> Ration<L> {
    /// Limits of an instance, within a host's memory. A device is told of what is refused.
    pub fn new(limits: L, memory: &Arc<HostMemory>, device: Option<Arc<Device>>) -> Self {
        Self {
            limits,
            held: Held {
                memory: memory.clone(),
                bytes: 0,
            },
            growing: 0,
            short: None,
            device,
            told: false,
        }
    }

    /// Its own limits.
    pub fn limits(&self) -> &L {
        &self.limits
    }

    /// What the instance holds, in bytes.
    pub fn held(&self) -> u64 {
        self.held.bytes
    }

    /// A call begins.
    pub fn begin(&mut self) {
        self.short = None;
    }

    /// Why memory was refused since the call began.
    pub fn short(&self) -> Option<Short> {
        self.short
    }
}

impl<L: ResourceLimiter> ResourceLimiter for Ration<L> {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.growing = 0;
        if !self.limits.memory_growing(current, desired, maximum)? {
            return Ok(false);
        }
        let more = desired.saturating_sub(current) as u64;
        match self.held.memory.take(more) {
            Ok(()) => {
                self.held.bytes += more;
                self.growing = more;
                Ok(true)
            }
            Err(short) => {
                // They have counted it already, and the engine does not tell them that it was refused.
                self.limits
                    .memory_grow_failed(wasmtime::Error::new(short))?;
                self.short = Some(short);
                if let Some(device) = &self.device {
                    // To the log once an instance: a plugin may ask again and again.
                    device.memory_refused(&short, !std::mem::replace(&mut self.told, true));
                }
                Ok(false)
            }
        }
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        let growing = std::mem::take(&mut self.growing);
        self.held.bytes -= growing;
        self.held.memory.give_back(growing);
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use wasmtime::StoreLimits;

    use super::*;
    use crate::limits::Limits;
    use crate::runtime::meter::Meter;

    const MIB: u64 = 1 << 20;

    fn host(guests: u64) -> Arc<HostMemory> {
        HostMemory::new(Some(Size(HOST_RESERVE + guests)))
    }

    fn ration(memory: &Arc<HostMemory>) -> Ration<StoreLimits> {
        Ration::new(StoreLimits::default(), memory, None)
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_is_missing() {
        let memory = host(10 * MIB);
        let held = memory.hold(8 * MIB).unwrap();
        let short = memory.take(3 * MIB).unwrap_err();
        assert_eq!(
            short.to_string(),
            "3.0 MiB of memory are needed and 2.0 MiB are left: 1.0 MiB short of the host's limit of 34.0 MiB"
        );
        memory.check(3 * MIB).unwrap_err();
        assert_eq!(memory.status().refused, 2);
        drop(held);
        memory.check(10 * MIB).unwrap();
        assert_eq!(memory.status().used, 0);
    }

    #[test]
    fn without_a_limit_nothing_is_refused() {
        let memory = HostMemory::new(None);
        memory.take(1 << 50).unwrap();
        memory.check(1 << 50).unwrap();
        assert_eq!(memory.left(), None);
        assert_eq!(memory.status().used, 1 << 50, "it is counted all the same");
    }

    #[test]
    fn a_limit_below_the_hosts_own_need_leaves_nothing() {
        let memory = HostMemory::new(Some(Size(MIB)));
        assert_eq!(memory.left(), Some(0));
        memory.take(1).unwrap_err();
    }

    #[test]
    fn an_instance_gives_back_what_it_grew_to_and_what_failed_to_grow() {
        let memory = host(10 * MIB);
        let mut first = ration(&memory);
        let mut second = ration(&memory);
        let mib = MIB as usize;
        assert!(first.memory_growing(0, 6 * mib, None).unwrap());
        assert!(!second.memory_growing(0, 5 * mib, None).unwrap());
        assert!(second.short().is_some());
        assert!(second.memory_growing(0, 4 * mib, None).unwrap());
        second
            .memory_grow_failed(wasmtime::Error::msg("no room"))
            .unwrap();
        assert_eq!(memory.status().used, 6 * MIB);
        assert!(first.memory_growing(6 * mib, 10 * mib, None).unwrap());
        drop(first);
        assert!(second.memory_growing(0, 10 * mib, None).unwrap());
        drop(second);
        assert_eq!(memory.status().used, 0);
    }

    #[test]
    fn what_the_host_refuses_does_not_use_up_the_instances_own_limit() {
        let memory = host(10 * MIB);
        let limits = Limits {
            memory: Size(8 * MIB),
            ..Limits::default()
        };
        let mut instance = Ration::new(Meter::new(&limits), &memory, None);
        let mib = MIB as usize;
        assert!(instance.memory_growing(0, 2 * mib, None).unwrap());
        let others = memory.hold(7 * MIB).unwrap();
        for _ in 0..10 {
            assert!(!instance.memory_growing(2 * mib, 4 * mib, None).unwrap());
        }
        assert_eq!(instance.limits().memory.used(), instance.held());
        drop(others);
        assert!(instance.memory_growing(2 * mib, 8 * mib, None).unwrap());
    }

    #[test]
    fn what_many_threads_take_at_once_never_adds_up_to_more() {
        let memory = host(100);
        let taken: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..100).filter(|_| memory.take(1).is_ok()).count() as u64))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(taken, 100);
    }
}
