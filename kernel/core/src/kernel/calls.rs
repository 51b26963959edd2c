//! Commands of devices, called by name.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Kernel;
use super::error::suggest;
use crate::device::{Call, CallError, Device};

impl Kernel {
    /// Calls a command of a device and waits for its answer (JSON). `arguments` is a JSON object.
    pub async fn call(
        &self,
        device: &str,
        command: &str,
        arguments: &str,
        caller: &str,
        timeout: Duration,
    ) -> Result<String, CallError> {
        if let Err(error) =
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(arguments)
        {
            return Err(CallError::InvalidArgument(format!(
                "the arguments are no JSON object: {error}"
            )));
        }
        let target = self.command_target(device, command)?;
        let span = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let (answer, answered) = oneshot::channel();
        let call = Call {
            id: target.new_call(),
            command: command.to_owned(),
            arguments: arguments.to_owned(),
            caller: caller.to_owned(),
            deadline: self.clock.now().saturating_add(span),
            answer,
        };
        target.mailbox.call(call)?;
        tokio::select! {
            answer = answered => answer.unwrap_or_else(|_| {
                Err(CallError::Unavailable(format!("device `{device}` ended before it answered")))
            }),
            () = self.clock.sleep(span) => {
                Err(CallError::Timeout(format!("device `{device}` did not answer `{command}` within {timeout:?}")))
            }
        }
    }

    fn command_target(&self, device: &str, command: &str) -> Result<Arc<Device>, CallError> {
        let registry = self.registry();
        let Some(placed) = registry.devices.get(device) else {
            let help = suggest(device, registry.devices.keys().map(String::as_str));
            return Err(CallError::UnknownDevice(format!(
                "there is no device `{device}`{help}"
            )));
        };
        let known = &placed.plugin.description.commands;
        if !known.is_empty() && !known.iter().any(|info| info.name == command) {
            let help = suggest(command, known.iter().map(|info| info.name.as_str()));
            return Err(CallError::UnknownCommand(format!(
                "device `{device}` has no command `{command}`{help}"
            )));
        }
        Ok(placed.device.clone())
    }
}
