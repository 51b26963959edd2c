//! The data behind an instance: what its host functions work on.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::capability::Attachment;
use crate::clock::Clock;
use crate::device::{Device, Effect, NO_CAUSE, Outbox, OutboxFull};
use crate::event::TopicId;

use super::budget::Budget;
use super::memory::{HostMemory, Ration};
use super::meter::Meter;
use super::report::LastWords;
use super::wasi;

/// The most handles (of lines, buses, statements…) that an instance may have open: the largest board has a
/// thousand lines. Each is memory of the host's, which no limit of the device counts.
const MAX_HANDLES: usize = 8_192;

/// The data behind an instance.
pub struct GuestState {
    pub(super) device: Arc<Device>,
    pub(super) outbox: Outbox,
    /// The cause of what is published singly: the one event of the call, or [`NO_CAUSE`] where the call
    /// handles several and nobody can tell which.
    pub(super) cause: u32,
    pub(super) ration: Ration<Meter>,
    /// The processor time of the current call. Shared with who polls the call.
    pub(super) budget: Arc<Budget>,
    /// What it said last, for the report of a trap.
    pub(super) words: LastWords,
    /// Topics that this instance may publish on, by name: the grant was checked when they entered.
    pub(super) topics: HashMap<Arc<str>, TopicId>,
    /// The same by id, as a set of bits.
    granted: Vec<u64>,
    attachments: Vec<Box<dyn Attachment>>,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl GuestState {
    pub(super) fn new(
        device: Arc<Device>,
        attachments: Vec<Box<dyn Attachment>>,
        memory: &Arc<HostMemory>,
    ) -> Self {
        let words = LastWords::default();
        let meter = Meter::new(&device.spec.limits);
        Self {
            wasi: wasi::context(&device, &words),
            ration: Ration::new(meter, memory, Some(device.clone())),
            words,
            outbox: Outbox::default(),
            cause: NO_CAUSE,
            budget: Arc::default(),
            topics: HashMap::new(),
            granted: Vec::new(),
            attachments,
            table: {
                let mut table = ResourceTable::new();
                table.set_max_capacity(MAX_HANDLES);
                table
            },
            device,
        }
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device.name
    }

    /// The kernel's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.device.clock
    }

    /// The device used what a capability does not grant it, and was refused. `kind` is what it would
    /// have touched.
    pub fn denied(&self, kind: &'static str, what: &str, reason: &str) {
        self.device.denied(kind, what, reason);
    }

    /// The device's state at a capability.
    pub fn attachment<A: Attachment>(&mut self) -> wasmtime::Result<&mut A> {
        find(&mut self.attachments)
    }

    /// The device's state at a capability, and the table of the instance's resources.
    pub fn split<A: Attachment>(&mut self) -> wasmtime::Result<(&mut A, &mut ResourceTable)> {
        Ok((find(&mut self.attachments)?, &mut self.table))
    }

    /// The table of the instance's resources.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub(super) fn attachments(&mut self) -> &mut [Box<dyn Attachment>] {
        &mut self.attachments
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.attachments
            .iter()
            .any(|attachment| attachment.is_dirty())
    }

    /// Adds an effect to the outbox, within the device's limits.
    pub(super) fn order(&mut self, effect: Effect) -> Result<(), OutboxFull> {
        self.outbox.order(effect, &self.device.spec.limits)
    }

    /// The same for imports that have no result to say no with: the call ends as a trap.
    pub(super) fn order_or_trap(&mut self, effect: Effect) -> wasmtime::Result<()> {
        self.order(effect).map_err(wasmtime::Error::new)
    }

    /// Notes that this instance may publish on a topic.
    pub(super) fn grant(&mut self, name: &str, id: TopicId) {
        self.topics.insert(name.into(), id);
        let (word, bit) = (id.0 as usize / 64, id.0 % 64);
        if self.granted.len() <= word {
            self.granted.resize(word + 1, 0);
        }
        self.granted[word] |= 1 << bit;
    }

    /// Whether this instance may publish on a topic.
    pub(super) fn is_granted(&self, id: TopicId) -> bool {
        let word = self.granted.get(id.0 as usize / 64).copied().unwrap_or(0);
        word >> (id.0 % 64) & 1 == 1
    }
}

fn find<A: Attachment>(attachments: &mut [Box<dyn Attachment>]) -> wasmtime::Result<&mut A> {
    attachments
        .iter_mut()
        .find_map(|attachment| (attachment.as_mut() as &mut dyn Any).downcast_mut::<A>())
        .ok_or_else(|| {
            // Devices whose plugins import a capability are attached to it at load.
            wasmtime::Error::msg(format!(
                "host bug: no attachment `{}`",
                std::any::type_name::<A>()
            ))
        })
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
