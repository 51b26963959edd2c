//! A kernel on one thread, which a witness watches: for tests of plugins.
//!
//! With its own threads a kernel is never known to be at rest: something may be on its way from one to
//! another. On one thread it is at rest when that thread has nothing to do.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::lane::{self, MakeTask};
use super::{Kernel, KernelError, KernelOptions};
use crate::capability::Capability;
use crate::connection::Kinds;
use crate::device::Witness;

/// The lanes of a kernel that was started with [`Kernel::start_here`].
#[must_use = "no device runs until this does"]
pub struct Here(mpsc::UnboundedReceiver<MakeTask>);

impl Here {
    /// Runs all devices, on the thread and within the `LocalSet` that poll this. Ends when the kernel is
    /// shut down and dropped.
    pub async fn run(self) {
        lane::run(self.0).await;
    }
}

/// Where a kernel's devices run that has no threads of its own.
pub(super) struct Ground {
    pub(super) tasks: mpsc::UnboundedSender<MakeTask>,
    pub(super) witness: Arc<dyn Witness>,
}

impl Kernel {
    /// Starts a kernel whose connections run on the current runtime, and whose devices run where
    /// [`Here::run`] is awaited, whatever lanes they name. The witness sees what they do.
    pub fn start_here(
        options: KernelOptions,
        capabilities: Vec<Arc<dyn Capability>>,
        kinds: Kinds,
        witness: Arc<dyn Witness>,
    ) -> Result<(Arc<Self>, Here), KernelError> {
        let (tasks, incoming) = mpsc::unbounded_channel();
        let io = tokio::runtime::Handle::current();
        let ground = Ground { tasks, witness };
        let kernel = Self::assemble(options, capabilities, kinds, (io, None), Some(ground))?;
        Ok((kernel, Here(incoming)))
    }

    /// Has a device store its state, if it has any, as soon as it does nothing else. Returns whether there
    /// is such a device.
    pub fn store_state(&self, device: &str) -> bool {
        let registry = self.registry();
        let placed = registry.devices.get(device);
        if let Some(placed) = placed {
            placed.device.store_state_now();
        }
        placed.is_some()
    }
}
