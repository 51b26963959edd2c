//! The end of a kernel.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::Kernel;
use crate::device::StopReason;
use crate::failsafe::limits::SHUTDOWN_TIME;

/// How long a shutdown waits for a change of versions or a start that is under way, in nanoseconds. Either
/// takes milliseconds; one whose plugin hangs must not hold up the stop, and ends with its device.
const CHANGE_PATIENCE: u64 = 2_000_000_000;

impl Kernel {
    /// Stops everything in order: devices in reverse order of their start, then connections and lanes.
    pub async fn shutdown(&self) {
        self.closing.store(true, Ordering::Release);
        // A change under way is finished first, or what it starts could outlive the devices; and none
        // begins any more.
        let _alone = tokio::select! {
            alone = self.changes.write() => Some(alone),
            () = self.clock.sleep(CHANGE_PATIENCE) => None,
        };
        let mut devices: Vec<(u64, String)> = {
            let registry = self.registry();
            for open in registry.connections.values() {
                open.connection.expect_end();
            }
            let patience = self.clock.monotonic().saturating_add(SHUTDOWN_TIME);
            for placed in registry.devices.values() {
                placed.device.outputs.expect_end(patience);
            }
            let devices = registry.devices.iter();
            devices
                .map(|(name, placed)| (placed.order, name.clone()))
                .collect()
        };
        devices.sort_unstable();
        for (_, name) in devices.into_iter().rev() {
            let ended = self.end_device(&name, StopReason::Shutdown, "the host stops");
            // Gone by itself meanwhile: fine.
            if let Ok(ended) = ended.await {
                ended.outputs.let_go();
            }
        }
        self.safe.dismiss();
        let (connections, lanes) = {
            let mut registry = self.registry();
            (
                std::mem::take(&mut registry.connections),
                std::mem::take(&mut registry.lanes),
            )
        };
        for open in connections.into_values() {
            open.connection.close().await;
        }
        let io = self
            .io_thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let joined = tokio::task::spawn_blocking(move || {
            for lane in lanes.into_values() {
                lane.end();
            }
            if let Some((end, thread)) = io {
                drop(end);
                let _ = thread.join();
            }
        });
        let _ = joined.await;
    }
}
