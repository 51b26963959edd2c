//! The Weihe kernel: bus, registry, schedule, plugin runtime, and the contracts of capability and
//! connection.
//!
//! The kernel knows no hardware, no cipher and no SQL. What plugins reach beyond the bus comes from
//! *capabilities* ([`capability::Capability`]) and *connections* ([`connection`]) that the host
//! registers.

pub mod audit;
pub mod bus;
pub mod capability;
pub mod clock;
pub mod connection;
pub mod device;
pub mod event;
pub mod failsafe;
pub mod grant;
mod kernel;
pub mod limits;
pub mod runtime;
pub mod schedule;
pub mod units;

pub use capability::{Attachment, Capability, CommitError, GrantError, Granted};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use device::{Checkpoints, DeadLetters, DeviceSpec};
pub use kernel::{
    ConnectionError, DeadError, DeviceError, Here, Kernel, KernelError, KernelOptions, Lane,
    LeftLetter, Letters, MAIN_LANE, OPERATOR, PluginStatus, Quarantined, Sorted, Status, SwapError,
    Swapped, VersionChange, VersionRecord, current_lane, is_name,
};
pub use runtime::{Compiler, GuestState, LoadError};
