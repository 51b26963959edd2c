//! What somebody sees who watches devices: tests of plugins. Running systems have no witness.

use tokio::sync::oneshot;

use crate::connection::Notice;
use crate::event::Event;

use super::guest::{GuestError, Trap};
use super::outbox::Effect;
use super::shared::OutgoingCall;

/// Something that a device did or was told.
#[derive(Clone, Copy)]
pub enum Seen<'a> {
    /// A call into its plugin begins.
    Enters,
    /// It has ended, whatever came of it.
    Returned,
    /// It has handled a run of events, ticks and answers.
    Handled {
        /// The run.
        events: &'a [Event],
        /// What its plugin says of some of them, by index.
        errors: &'a [(u32, GuestError)],
    },
    /// It has heard from a connection.
    Noticed {
        /// Which one.
        connection: &'a str,
        /// What.
        notice: &'a Notice,
        /// What its plugin says of it.
        error: Option<&'a GuestError>,
    },
    /// Its plugin does not take the state that it is handed, and starts without, or with an older one.
    StateRefused(&'a GuestError),
    /// Its plugin ended in the middle of a call.
    Trapped(&'a Trap),
    /// Something takes effect that a handler did.
    Did(&'a Effect),
}

/// The answer to a call, JSON or the error's text, once there is one.
pub type Awaited = oneshot::Receiver<Result<String, String>>;

/// Watches devices, on their own threads: what it does holds them up.
pub trait Witness: Send + Sync {
    /// Sees something.
    fn saw(&self, device: &str, seen: Seen<'_>);

    /// Stands in for the device that is called; none leaves the call to the kernel. The kernel keeps the
    /// time of the call.
    fn call(&self, caller: &str, call: &OutgoingCall) -> Option<Awaited> {
        let _ = (caller, call);
        None
    }
}
