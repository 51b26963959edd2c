//! Which device a grant gives an output to: a line or a PWM channel has one.

use std::collections::BTreeMap;

use weihe_kernel::GrantError;

use crate::capability::HalCapability;
use crate::grant::Grant;
use crate::hardware::Kind;

/// The outputs that the devices of a system are granted. The first to be granted one has it.
#[derive(Debug, Default)]
pub struct Claims(BTreeMap<(Kind, String), Claimed>);

#[derive(Debug)]
struct Claimed {
    device: String,
    /// What its plugin calls it.
    alias: String,
}

impl Claims {
    /// Takes the outputs of a grant for a device; an error names the device that has one of them already. Then it
    /// takes none.
    pub fn take(
        &mut self,
        hal: &HalCapability,
        device: &str,
        grant: &toml::Table,
    ) -> Result<(), GrantError> {
        let outputs = hal.outputs(&Grant::from_table(grant)?);
        for (kind, alias, name) in &outputs {
            if let Some(holder) = self.0.get(&(*kind, name.clone()))
                && holder.device != device
            {
                let (first, called) = (&holder.device, &holder.alias);
                return Err(GrantError {
                    key: Some(kind.key().to_owned()),
                    message: format!(
                        "`{alias}` is the output {name}, which is granted to device `{first}` as `{called}` already"
                    ),
                    help: Some(
                        "an output has one device: the first in the file; take it out of one of both grants"
                            .to_owned(),
                    ),
                });
            }
        }
        self.0.retain(|_, claimed| claimed.device != device);
        for (kind, alias, name) in outputs {
            let device = device.to_owned();
            self.0.insert((kind, name), Claimed { device, alias });
        }
        Ok(())
    }
}

impl HalCapability {
    /// The outputs of a grant: what the plugin calls them, and the board.
    fn outputs(&self, grant: &Grant) -> Vec<(Kind, String, String)> {
        let known = |(kind, alias, name): (Kind, &str, &str)| {
            let resolved = self.resolve(kind, name);
            let name = resolved.unwrap_or_else(|_| name.to_owned());
            (kind, alias.to_owned(), name)
        };
        grant.outputs().map(known).collect()
    }

    /// Whether two names in a grant are one output.
    pub(crate) fn check_aliases(&self, grant: &Grant) -> Result<(), GrantError> {
        let mut seen = BTreeMap::new();
        for (kind, alias, name) in self.outputs(grant) {
            if let Some(first) = seen.insert((kind, name.clone()), alias.clone()) {
                return Err(GrantError {
                    key: Some(kind.key().to_owned()),
                    message: format!("`{first}` and `{alias}` are one output: {name}"),
                    help: Some("grant it once, under one name".to_owned()),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use weihe_kernel::{Capability, VirtualClock};

    use super::*;
    use crate::virtual_board::VirtualBoard;

    fn hal() -> HalCapability {
        let board = "[line.valve]\nalias = \"gpio/A3\"\n[line.key]\n[pwm.fan]";
        let clock = Arc::new(VirtualClock::new(0));
        HalCapability::new(Arc::new(VirtualBoard::parse(board, clock).unwrap()))
    }

    fn table(text: &str) -> toml::Table {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn an_output_has_one_device_by_whichever_name() {
        let (hal, mut claims) = (hal(), Claims::default());
        let pump = table("gpio = { valve = \"output\", key = \"input\" }\npwm = [\"fan\"]");
        claims.take(&hal, "pump", &pump).unwrap();
        // Looked at again, as with each change of the file.
        claims.take(&hal, "pump", &pump).unwrap();
        let lamp = table("gpio = { led = { line = \"gpio/A3\", mode = \"both\" } }");
        let taken = claims.take(&hal, "lamp", &lamp).unwrap_err();
        assert_eq!(
            taken.message,
            "`led` is the output valve, which is granted to device `pump` as `valve` already"
        );
        let fan = claims.take(&hal, "fan", &table("pwm = { it = \"fan\" }"));
        assert!(fan.unwrap_err().message.contains("device `pump` as `fan`"));
        // Many may listen.
        let ear = table("gpio = { key = \"input\", valve = \"input\" }");
        claims.take(&hal, "ear", &ear).unwrap();
        // What is granted to it no more is free.
        claims.take(&hal, "pump", &table("")).unwrap();
        claims.take(&hal, "lamp", &lamp).unwrap();
    }

    #[test]
    fn two_names_of_one_output_are_refused_together() {
        let twice = table(
            "gpio = { a = { line = \"valve\", mode = \"output\" }, b = { line = \"gpio/A3\", mode = \"both\" } }",
        );
        let refused = hal().configure("pump", &twice).err().unwrap();
        assert_eq!(refused.message, "`a` and `b` are one output: valve");
    }
}
