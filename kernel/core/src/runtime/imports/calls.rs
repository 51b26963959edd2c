//! `weihe:plugin/calls`: answers to calls, and calls on other devices.

use crate::device::Effect;
use crate::runtime::bindings::imports::weihe::plugin::calls::{CallError, Host};
use crate::runtime::state::GuestState;

use super::convert::shared;

/// The most calls that one handler call may send.
const MAX_CALLS: usize = 64;

impl Host for GuestState {
    fn reply(&mut self, id: u64, answer: Result<String, CallError>) -> wasmtime::Result<()> {
        let answer = answer.map_err(Into::into);
        self.outbox.effects.push(Effect::Reply { id, answer });
        Ok(())
    }

    fn call(
        &mut self,
        device: String,
        command: String,
        arguments: String,
        timeout: u64,
    ) -> wasmtime::Result<Result<u64, CallError>> {
        if !self.device.spec.grants.may_call(&device) {
            return Ok(Err(CallError::Denied(format!(
                "device `{}` may not call `{device}`; `grants.call` must name it",
                self.device.name
            ))));
        }
        let sent = self
            .outbox
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Call { .. }))
            .count();
        if sent >= MAX_CALLS {
            return Ok(Err(CallError::Unavailable(format!(
                "one handler call may send {MAX_CALLS} calls"
            ))));
        }
        let id = self.device.new_call();
        self.outbox.effects.push(Effect::Call {
            id,
            device: shared(device),
            command,
            arguments,
            timeout,
        });
        Ok(Ok(id))
    }
}
