//! Devices in virtual time, over scripted instances: nothing here waits for real.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod budget;
mod calendar;
mod calls;
mod dead;
mod events;
mod failsafe;
mod life;
mod notices;
mod overflow;
mod pace;
mod panics;
mod partial;
mod probation;
mod property;
mod retries;
mod rig;
mod state;
mod stored;
mod storms;
mod swap;
mod timers;
mod traps;
mod usage;
mod versions;
