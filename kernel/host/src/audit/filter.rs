//! Which records are shown.

use super::record::Record;

/// Which records are shown; all without a condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not those before, in nanoseconds since 1970.
    pub since: Option<u64>,
    /// Only those with this action.
    pub action: Option<String>,
    /// Only those with this target: all of it (`device/soil`), or what follows its first word (`soil`).
    pub target: Option<String>,
    /// Only those of `host`, `operator`, a user (`uid:1000`), `remote`, a certificate (`certificate:panel`) or a device.
    pub actor: Option<String>,
}

impl Filter {
    /// Whether a record is shown.
    pub fn shows(&self, record: &Record) -> bool {
        let target = |wanted: &String| {
            let short = record.target.split_once('/').map(|(_, name)| name);
            *wanted == record.target || Some(wanted.as_str()) == short
        };
        let actor = |wanted: &String| {
            let user = match &record.actor {
                weihe_kernel::audit::Actor::Operator { uid, .. } => Some(format!("uid:{uid}")),
                weihe_kernel::audit::Actor::Remote { certificate, .. } => {
                    Some(format!("certificate:{certificate}"))
                }
                _ => None,
            };
            wanted == record.actor.name() || user.as_ref() == Some(wanted)
        };
        self.since.is_none_or(|since| record.time >= since)
            && self
                .action
                .as_ref()
                .is_none_or(|action| *action == record.action)
            && self.target.as_ref().is_none_or(target)
            && self.actor.as_ref().is_none_or(actor)
    }
}
