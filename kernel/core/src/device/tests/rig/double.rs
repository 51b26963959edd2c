//! An instance that plays a script.

use std::rc::Rc;
use std::sync::Arc;

use crate::connection::Notice;
use crate::device::{
    Call, CallError, Checkpoint, Device, Guest, GuestError, GuestFactory, Hooked, Outbox, Outcome,
    StartContext, StopReason, Trap,
};
use crate::event::{Event, Value};

use super::{Script, Stage};

/// A scripted instance.
pub struct Double {
    script: Rc<Script>,
    device: Arc<Device>,
    outbox: Outbox,
    rows: Vec<i64>,
    state: i64,
}

impl Double {
    fn stage(&mut self) -> (Rc<Script>, Stage<'_>) {
        let stage = Stage {
            device: &self.device,
            outbox: &mut self.outbox,
            rows: &mut self.rows,
            state: &mut self.state,
        };
        (self.script.clone(), stage)
    }
}

impl Guest for Double {
    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    async fn import_state(&mut self, checkpoint: &Checkpoint) -> Hooked<()> {
        let state = i64::from_le_bytes(checkpoint.bytes.clone().try_into().unwrap());
        let (script, mut stage) = self.stage();
        let result = script.import.borrow_mut()(&mut stage, state)?;
        if result.is_ok() {
            self.state = state;
        }
        Ok(result)
    }

    async fn start(&mut self, context: &StartContext) -> Hooked<()> {
        self.script.starts.borrow_mut().push(context.clone());
        let (script, mut stage) = self.stage();
        script.start.borrow_mut()(&mut stage, context)
    }

    async fn stop(&mut self, reason: StopReason) -> Result<(), Trap> {
        let (script, mut stage) = self.stage();
        script.stop.borrow_mut()(&mut stage, reason)
    }

    async fn events(
        &mut self,
        events: &[Event],
        errors: &mut Vec<(u32, GuestError)>,
    ) -> Result<(), Trap> {
        let bus = self.device.bus.clone();
        let seen = |event: &Event| {
            let value = match event.value {
                Value::Integer(value) => value,
                _ => i64::MIN,
            };
            (
                bus.topic_name(event.topic).unwrap().to_string(),
                value,
                event.attempt,
            )
        };
        self.script
            .batches
            .borrow_mut()
            .push(events.iter().map(seen).collect());
        if self.script.slow.get() > 0 {
            self.device.clock.sleep(self.script.slow.get()).await;
        }
        let (script, mut stage) = self.stage();
        let mut hook = script.event.borrow_mut();
        for (index, event) in (0_u32..).zip(events) {
            if let Err(error) = hook(&mut stage, index, event)? {
                errors.push((index, error));
            }
        }
        errors.append(&mut script.stray.borrow_mut());
        Ok(())
    }

    async fn call(&mut self, call: &Call) -> Hooked<Outcome, CallError> {
        let (script, mut stage) = self.stage();
        script.call.borrow_mut()(&mut stage, call)
    }

    async fn notice(&mut self, connection: &str, notice: &Notice) -> Hooked<()> {
        let (script, mut stage) = self.stage();
        script.notice.borrow_mut()(&mut stage, connection, notice)
    }

    async fn export_state(&mut self) -> Result<Option<Checkpoint>, Trap> {
        let (script, mut stage) = self.stage();
        script.export.borrow_mut()(&mut stage)?;
        let bytes = self.state.to_le_bytes().to_vec();
        Ok(self
            .script
            .has_state
            .get()
            .then_some(Checkpoint { version: 1, bytes }))
    }

    fn is_dirty(&self) -> bool {
        !self.rows.is_empty()
    }

    async fn commit(&mut self) -> Result<(), String> {
        self.script.commit.borrow_mut()()?;
        self.script.rows.borrow_mut().append(&mut self.rows);
        Ok(())
    }

    async fn rollback(&mut self) {
        self.rows.clear();
    }
}

/// Makes instances of one script.
pub struct Factory {
    pub script: Rc<Script>,
    pub device: Arc<Device>,
    pub version: &'static str,
}

impl GuestFactory for Factory {
    type Guest = Double;

    fn version(&self) -> &str {
        self.version
    }

    async fn instantiate(&self) -> Result<Double, Trap> {
        self.script.instantiate.borrow_mut()()?;
        Ok(Double {
            script: self.script.clone(),
            device: self.device.clone(),
            outbox: Outbox::default(),
            rows: Vec::new(),
            state: 0,
        })
    }
}
