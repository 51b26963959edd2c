//! The contract of the audit trail: who did what to what, and what came of it.
//!
//! The kernel says what happens as [`Entry`]s; where and how they are kept is the host's business, behind
//! [`Audit`]. Nothing here knows a file.

mod double;

use std::borrow::Cow;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use double::{MemoryAudit, NoAudit};

/// What is recorded. Names of actions are also the last level of their topics, `$audit/<action>`.
pub mod action {
    /// A host began to run.
    pub const HOST_STARTED: &str = "host-started";
    /// A host ended in order.
    pub const HOST_STOPPED: &str = "host-stopped";
    /// A configuration is in force from now on.
    pub const CONFIG_LOADED: &str = "config-loaded";
    /// A plugin was loaded.
    pub const PLUGIN_LOADED: &str = "plugin-loaded";
    /// Another version of a plugin took over.
    pub const PLUGIN_SWAPPED: &str = "plugin-swapped";
    /// A version of a plugin was refused.
    pub const PLUGIN_REFUSED: &str = "plugin-refused";
    /// The version before came back.
    pub const PLUGIN_RETURNED: &str = "plugin-returned";
    /// A version has proved itself in all devices of its plugin.
    pub const PLUGIN_CONFIRMED: &str = "plugin-confirmed";
    /// A plugin was removed.
    pub const PLUGIN_UNLOADED: &str = "plugin-unloaded";
    /// A version that was in quarantine may run again.
    pub const QUARANTINE_LIFTED: &str = "quarantine-lifted";
    /// A device started, and what it may touch.
    pub const DEVICE_STARTED: &str = "device-started";
    /// A device did not start: a grant is missing, or it refused.
    pub const DEVICE_REFUSED: &str = "device-refused";
    /// A device was given up.
    pub const DEVICE_FAILED: &str = "device-failed";
    /// A device ended in order.
    pub const DEVICE_STOPPED: &str = "device-stopped";
    /// A device used, or tried to use, what it is not granted.
    pub const DENIED: &str = "denied";
    /// A device called a command of another. (Operators' calls have the name of their request.)
    pub const DEVICE_CALL: &str = "device-call";
    /// Memory was refused, so that the host stays within its limit.
    pub const MEMORY_REFUSED: &str = "memory-refused";
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Actor {
    /// The host itself.
    Host,
    /// A person or program at the control socket, as the operating system knows it.
    Operator {
        /// The user.
        uid: u32,
        /// The process; it may have ended since.
        pid: Option<i32>,
    },
    /// A person or program at the control door on the network, as its certificate says.
    Remote {
        /// The common name in the certificate, or its fingerprint.
        certificate: String,
        /// SHA-256 of the certificate.
        fingerprint: String,
        /// Where from.
        address: String,
    },
    /// A device.
    Device {
        /// Its name.
        name: String,
    },
}

impl Actor {
    /// In one word, for people and filters: `host`, `operator`, `remote`, or the device's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Host => "host",
            Self::Operator { .. } => "operator",
            Self::Remote { .. } => "remote",
            Self::Device { name } => name,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, or failed.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nobody waited for the end: whether it was done is not known.
    Abandoned,
}

/// How often entries of a kind are worth a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pace {
    /// Each of them.
    Each,
    /// The first of an actor, action, outcome and kind within a minute; the others are counted. For
    /// what a plugin can make happen as often as it likes: nothing that it chooses may be in the kind.
    First(Cow<'static, str>),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who did it.
    pub actor: Actor,
    /// What: one of [`action`], or the name of an operator's request.
    pub action: String,
    /// To what: `plugin/modbus`, `device/soil`, `topic/greenhouse/moisture`, `host`.
    pub target: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What else is worth knowing.
    pub details: Map<String, Value>,
    /// How often it is recorded.
    pub pace: Pace,
}

impl Entry {
    /// Something that was done.
    pub fn new(actor: Actor, action: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            actor,
            action: action.into(),
            target: target.into(),
            outcome: Outcome::Done,
            details: Map::new(),
            pace: Pace::Each,
        }
    }

    /// Something that the host did by itself, or by what it was told.
    pub fn host(action: &str, target: impl Into<String>) -> Self {
        Self::new(Actor::Host, action, target)
    }

    /// Something that a device did.
    pub fn device(name: &str, action: &str, target: impl Into<String>) -> Self {
        let name = name.to_owned();
        Self::new(Actor::Device { name }, action, target)
    }

    /// Adds something worth knowing.
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// It was refused, or failed.
    pub fn refused(mut self, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        self.outcome = Outcome::Refused { reason };
        self
    }

    /// Only the first of its kind within a minute is recorded, and the others are counted.
    pub fn often(mut self, kind: impl Into<Cow<'static, str>>) -> Self {
        self.pace = Pace::First(kind.into());
        self
    }
}

/// How a trail is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditStatus {
    /// The number of the last record; 0 when there is none.
    pub sequence: u64,
    /// Its hash: whoever notes it elsewhere can tell later whether the trail up to it was altered.
    pub head: String,
    /// Entries since the start that were not recorded, because there was no room for them.
    pub lost: u64,
    /// Why nothing can be recorded now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Where entries are kept.
pub trait Audit: Send + Sync + 'static {
    /// Takes an entry. Never waits: it is called from lanes.
    fn record(&self, entry: Entry);

    /// Waits until what was taken before is where a power cut does not reach it; false when it
    /// cannot be brought there. What happens does not depend on it.
    fn settled(&self) -> Pin<Box<dyn Future<Output = bool> + Send>>;

    /// How the trail is; none where nothing is kept.
    fn status(&self) -> Option<AuditStatus>;
}
