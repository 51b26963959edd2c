//! The contract of a capability: a host service that plugins import through WIT (a store, a
//! cipher, hardware).
//!
//! A capability is one crate with three duties. It **links** its interfaces, it **configures**:
//! turns a device's grant table into a checked grant when the device is loaded, and it
//! **attaches**: makes the state of one device, which is freed when it is dropped. Each use is
//! checked against that state again at run time.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::component::Linker;

use crate::device::Inlet;
use crate::failsafe::Outputs;
use crate::runtime::GuestState;

/// A host service that plugins import through WIT.
pub trait Capability: Send + Sync + 'static {
    /// The key of its table in `grants`: lower case, one word.
    fn name(&self) -> &'static str;

    /// The interfaces it serves, with package and version, as components import them:
    /// `weihe:store/sql@0.1.0`. A plugin that imports one of them needs a grant.
    fn interfaces(&self) -> &'static [&'static str];

    /// Adds its functions to the linker. Host functions find the device's state with
    /// [`GuestState::attachment`]. Functions that may block are async, with their blocking work on
    /// threads of the capability's own.
    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()>;

    /// The lane that a device with this grant lives on when its entry names none; none for the common
    /// one. A capability whose host functions block at length has one for each thing that they wait
    /// for, so that only those wait who share it.
    fn lane(&self, _grant: &toml::Table) -> Option<String> {
        None
    }

    /// Checks a device's grant table. What it names must exist now.
    fn configure(&self, device: &str, grant: &toml::Table) -> Result<Box<dyn Granted>, GrantError>;
}

/// A checked grant, from which the state of a device is made: once a device, again for each
/// instance that replaces a trapped one. When a version takes over from another, both have theirs
/// for a moment, and no two of their hooks run at a time.
pub trait Granted: Send + Sync {
    /// Makes the state of the device for one instance.
    fn attach(&self, device: &str) -> Box<dyn Attachment>;

    /// A version was tried beside the one that runs and is refused: what it has changed on things that
    /// the device holds is undone. [`Granted::keep`] follows. Called on the device's lane, as that is.
    fn undo(&self, _version: &str) {}

    /// Only these versions may still run for the device: the one that does, and the one before as long as
    /// it may come back. What no other has opened is let go of, outputs at their safe values. None, when
    /// the device has ended.
    fn keep(&self, _versions: &[&str]) {}
}

/// The state of one device at one capability. Dropping it frees what it held and rolls back what
/// was not committed.
#[async_trait]
pub trait Attachment: Any + Send {
    /// Where it declares the safe value of each output that it hands out ([`Outputs::declare`]), when it
    /// hands it out, and takes it back with the output; and of which version its instance is. Called
    /// once, before the instance runs. What is declared belongs to the device: it survives this state,
    /// whose successor declares it anew or leaves it as it is.
    fn hold(&mut self, _outputs: &Arc<Outputs>, _version: &str) {}

    /// What it may bring events to the device with. Called once, before the instance runs.
    fn listen(&mut self, _inlet: Inlet) {}

    /// Whether the current handler call wrote something that waits for its commit. The actor asks
    /// after each call, so it must cost nothing.
    fn is_dirty(&self) -> bool;

    /// Makes the writes of the handler call that just returned durable. When it fails they are
    /// rolled back, the handler's publications are dropped and its input is delivered again.
    async fn commit(&mut self) -> Result<(), CommitError>;

    /// Undoes the writes of a handler call that failed.
    async fn rollback(&mut self);
}

/// Why a grant table is refused. The host adds file, line and device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GrantError {
    /// The key at fault, relative to the capability's table; none when it is the table itself.
    pub key: Option<String>,
    /// What is wrong, naming the culprit.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Why a commit failed, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommitError(pub String);
