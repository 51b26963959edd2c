//! The relay without a sandbox: what the same pipeline costs when the plugin is plain Rust.

use std::sync::Arc;

use weihe_kernel::bus::Overflow;
use weihe_kernel::connection::Notice;
use weihe_kernel::device::{
    Call, CallError, Checkpoint, Device, Guest, GuestError, GuestFactory, Hooked, Outbox, Outcome,
    StartContext, StopReason, Trap,
};
use weihe_kernel::event::{Event, TopicId, Value};

/// Makes native relays.
pub struct NativeFactory(pub Arc<Device>);

/// Passes on every event above a threshold.
pub struct NativeRelay {
    device: Arc<Device>,
    output: TopicId,
    above: f64,
    outbox: Outbox,
}

impl GuestFactory for NativeFactory {
    type Guest = NativeRelay;

    fn version(&self) -> &str {
        "native"
    }

    async fn instantiate(&self) -> Result<NativeRelay, Trap> {
        let topic = format!("plugin/{}/out", self.0.name);
        let output = self.0.bus.topic(&topic).map_err(|error| Trap {
            message: error.to_string(),
            backtrace: String::new(),
            no_memory: false,
        })?;
        Ok(NativeRelay {
            device: self.0.clone(),
            output,
            above: 0.0,
            outbox: Outbox::default(),
        })
    }
}

impl Guest for NativeRelay {
    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    async fn import_state(&mut self, _: &Checkpoint) -> Hooked<()> {
        Ok(Ok(()))
    }

    async fn start(&mut self, _: &StartContext) -> Hooked<()> {
        if let Ok(filter) = "bench/in".parse() {
            // One is within the limit.
            let _ = self
                .device
                .subscribe(filter, Overflow::DropOldest, 0, false);
        }
        Ok(Ok(()))
    }

    async fn stop(&mut self, _: StopReason) -> Result<(), Trap> {
        Ok(())
    }

    async fn events(
        &mut self,
        events: &[Event],
        _: &mut Vec<(u32, GuestError)>,
    ) -> Result<(), Trap> {
        for (index, event) in (0_u32..).zip(events) {
            let Value::Float(value) = event.value else {
                continue;
            };
            if value > self.above {
                let mut publication = event.clone();
                publication.topic = self.output;
                publication.cause = None;
                self.outbox.publish(publication, index);
            }
        }
        Ok(())
    }

    async fn call(&mut self, _: &Call) -> Hooked<Outcome, CallError> {
        Ok(Err(CallError::UnknownCommand("none".into())))
    }

    async fn notice(&mut self, _: &str, _: &Notice) -> Hooked<()> {
        Ok(Ok(()))
    }

    async fn export_state(&mut self) -> Result<Option<Checkpoint>, Trap> {
        Ok(None)
    }

    fn is_dirty(&self) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), String> {
        Ok(())
    }

    async fn rollback(&mut self) {}
}
