#![doc = include_str!("../README.md")]

// Native programs, and authors who bring their own, keep theirs.
#[cfg(any(test, all(target_arch = "wasm32", feature = "allocator")))]
mod allocator;
#[doc(hidden)]
pub mod bindings;
pub mod codec;
mod command;
mod connection;
mod context;
mod description;
mod error;
mod event;
mod glue;
pub mod guomi;
pub mod hal;
pub mod json;
mod kernel;
pub mod log;
pub mod number;
mod old_state;
pub mod packed;
mod plugin;
mod runtime;
mod store;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;
mod timer;
mod value;

pub use bindings::imports::weihe::plugin::types::Quality;
pub use codec::Codec;
pub use command::{Answer, Call, CallId, NoCommand};
pub use connection::{
    ByteOrder, Connection, DEFAULT_DEADLINE, DEFAULT_TIMEOUT, FailSafeFrame, Failure, LengthField,
    LinkState, Peer, PeerId, Priority, Reply, ReplyRule, Request, Ticket,
};
pub use context::{Context, Overflow, SubscribeOptions, SubscriptionId, Topic};
pub use description::{CommandInfo, ConnectionNeed, Description};
pub use error::{CallError, Error, Refused};
pub use event::{Event, EventBuf, EventIndex, Events, Identity, IdentityBuf};
pub use old_state::OldState;
pub use plugin::{NoConfig, NoState, Plugin, StopReason};
pub use store::{Bucket, Database, Rows, SqlError, SqlValue, SqlValueBuf};
pub use time::{Duration, DurationError, Timestamp, TimestampError};
pub use timer::{Cron, Every, Missed};
pub use value::{Sample, Value, ValueBuf};
pub use weihe_sdk_macros::test;

/// What most plugins use: `use weihe_sdk::prelude::*;`.
pub mod prelude {
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::testing::{FakeKernel, Setup, TestKernel};
    pub use crate::{
        Answer, Call, CallError, CallId, CommandInfo, Connection, ConnectionNeed, Context, Cron,
        Description, Duration, Error, Event, Every, FailSafeFrame, Failure, LinkState, Missed,
        NoCommand, NoConfig, NoState, OldState, Peer, PeerId, Plugin, Priority, Quality, Refused,
        Reply, ReplyRule, Request, Sample, StopReason, SubscribeOptions, Ticket, Timestamp, Topic,
        Value, ValueBuf,
    };
}

/// For the macros of this crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::glue::{CodecGlue, Glue, Slot};
    pub use crate::runtime::Runtime;
}
