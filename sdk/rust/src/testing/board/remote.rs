//! The virtual board of the sandbox, as docs/virtual-board.md has it, behind the calls of a test.

use super::super::fault::{Cause, Fault};
use super::super::sandbox::Sandboxed;
use super::super::sight::{hex, octets};
use super::{I2cFault, LineView, Pulse};
use crate::{Duration, Error};
use serde_json::{Value as Json, json};

/// What the virtual board calls a fault.
fn word(fault: I2cFault) -> Option<&'static str> {
    Some(match fault {
        I2cFault::Bus => "stuck",
        I2cFault::ArbitrationLoss => "arbitration",
        I2cFault::AddressNack => "nack",
        I2cFault::DataNack => "nack-at=1",
        I2cFault::Other => "timeout",
        I2cFault::Nack | I2cFault::Overrun => return None,
    })
}

/// Whether the virtual board can have a fault: one of a named bus or chip, from now on.
pub(in crate::testing) fn can_be(kind: I2cFault, fault: &Fault) -> bool {
    word(kind).is_some() && fault.skip == 0 && fault.name.is_some()
}

impl Sandboxed {
    /// Does something with the board, which may tell something. The error is what the plugin says of the edges
    /// that follow.
    pub(super) fn act(&mut self, act: &Json) -> Result<String, Error> {
        let outcome = self.ask(&json!({ "do": "board", "act": act }));
        let heard = outcome.ok["heard"].as_str().unwrap_or_default().to_owned();
        outcome.result().map(|()| heard)
    }

    /// What the board has of a kind under a name.
    fn look(&mut self, kind: &str, name: &str) -> Option<Json> {
        let view = self.ask(&json!({ "do": "look" })).ok;
        let has = |thing: &&Json| {
            let aliases = thing["aliases"].as_array().into_iter().flatten();
            thing["name"] == name || aliases.into_iter().any(|alias| alias == name)
        };
        view[kind].as_array()?.iter().find(has).cloned()
    }

    pub(super) fn line(&mut self, name: &str) -> Option<LineView> {
        let line = self.look("lines", name)?;
        let level = line["high"].as_bool().unwrap_or(false);
        Some(LineView {
            level,
            active: line["active"].as_bool().unwrap_or(level),
            output: line["direction"] == "output",
            history: Vec::new(),
        })
    }

    pub(super) fn pulse(&mut self, name: &str) -> Option<Pulse> {
        let channel = self.look("pwm", name)?;
        let span = |key: &str| Duration::from_nanos(channel[key].as_u64().unwrap_or(0));
        Some(Pulse {
            period: span("period"),
            width: span("width"),
            enabled: channel["on"] == true,
        })
    }

    pub(super) fn feed(&mut self, port: &str, bytes: &[u8]) -> Result<String, Error> {
        self.act(&json!({ "do": "say", "name": port, "bytes": hex(bytes) }))
    }

    pub(super) fn heard(&mut self, port: &str) -> Result<Vec<u8>, Error> {
        let heard = self.act(&json!({ "do": "hear", "name": port }))?;
        Ok(octets(&heard).unwrap_or_default())
    }

    /// Breaks what a fault breaks on the board, if it is one of those.
    pub(in crate::testing) fn break_board(&mut self, fault: &Fault) -> Result<(), Error> {
        let (Cause::I2c(kind), Some(name)) = (&fault.error, &fault.name) else {
            return Ok(());
        };
        let Some(word) = word(*kind) else {
            return Ok(());
        };
        let mut act = json!({ "do": "fault", "name": name, "fault": word });
        if let Some(times) = fault.left {
            act["times"] = times.into();
        }
        self.act(&act).map(drop)
    }

    pub(in crate::testing) fn mend_board(&mut self) -> Result<(), Error> {
        self.act(&json!({ "do": "mend" })).map(drop)
    }
}
