//! Devices: configured instances of plugins, each an actor with a mailbox.

mod actor;
mod bucket;
mod budgets;
mod call;
mod checkpoint;
mod dead;
mod gauges;
mod guest;
mod inlet;
mod letter;
mod mailbox;
mod order;
mod outbox;
mod shared;
mod spec;
mod status;
mod supervision;
mod topics;
mod witness;
mod words;

pub use actor::{Actor, StartError};
pub use budgets::{BudgetStatus, NEAR, Unit, Usage};
pub use call::{Call, CallError, CallId};
pub use checkpoint::{Checkpoints, Loading, MemoryCheckpoints, Saving, SettingAside};
pub use dead::{
    DeadLetters, KeptLetter, MAX_LETTER_BYTES, MAX_LETTERS, MAX_LISTED, MemoryDeadLetters,
    SHOWN_BYTES, Sorting,
};
pub use gauges::{Counts, Gauges, InstanceUse, Peak, Rates};
pub use guest::{
    Checkpoint, Guest, GuestError, GuestFactory, Hooked, Outcome, StartContext, StopReason, Trap,
};
pub use inlet::{EDGE, Feed, Inlet, InletRefused, Sample};
pub use letter::{Letter, LetterError, LetterKind, LetterView};
pub use mailbox::{MAX_CALLS, MAX_NOTICES, Mailbox, Stop, TooManySubscriptions};
pub use order::{Manner, Order, Orders, SwapRefused};
pub use outbox::{Effect, NO_CAUSE, Outbox, OutboxFull};
pub use shared::{
    ANSWER, Device, KERNEL_SOURCE, MakeFramer, OpenFailure, OutgoingCall, Places, Surroundings,
};
pub use spec::DeviceSpec;
pub use status::{DeviceCounters, DeviceFault, DeviceState, DeviceStatus, Live, Peaks};
pub use supervision::{
    BUDGET, Blame, FIRST_PAUSE, LONGEST_PAUSE, Origin, Restarts, WINDOW, retry_pause,
};
pub use topics::TopicRefused;
pub use witness::{Awaited, Seen, Witness};
pub use words::Words;

#[cfg(test)]
mod tests;
