//! `weihe:plugin/calls`: answers to calls, and calls on other devices.

use crate::device::Effect;
use crate::runtime::bindings::imports::weihe::plugin::calls::{CallError, Host};
use crate::runtime::state::GuestState;

use super::convert::shared;

impl Host for GuestState {
    fn reply(&mut self, id: u64, answer: Result<String, CallError>) -> wasmtime::Result<()> {
        let answer = answer.map_err(Into::into);
        self.order_or_trap(Effect::Reply { id, answer })
    }

    fn call(
        &mut self,
        device: String,
        command: String,
        arguments: String,
        timeout: u64,
    ) -> wasmtime::Result<Result<u64, CallError>> {
        if !self.device.spec.grants.may_call(&device) {
            let reason = format!(
                "device `{}` may not call `{device}`; `grants.call` must name it",
                self.device.name
            );
            self.device.denied("call", &device, &reason);
            return Ok(Err(CallError::Denied(reason)));
        }
        let limit = self.device.spec.limits.calls as usize;
        let effects = self.outbox.effects.iter();
        let leaving = effects.filter(|effect| matches!(effect, Effect::Call { .. }));
        if leaving.count() + self.device.open_calls() >= limit {
            return Ok(Err(CallError::Unavailable(format!(
                "device `{}` may have {limit} calls open (limit `calls`)",
                self.device.name
            ))));
        }
        let id = self.device.new_call();
        let call = Effect::Call {
            id,
            device: shared(device),
            command,
            arguments,
            timeout,
        };
        Ok(self
            .order(call)
            .map(|()| id)
            .map_err(|full| CallError::Unavailable(full.to_string())))
    }
}
