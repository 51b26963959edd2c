//! The Weihe kernel: bus, registry, schedule, plugin runtime, and the contracts of capability and
//! connection.
//!
//! The kernel knows no hardware, no cipher and no SQL. What plugins reach beyond the bus comes from
//! *capabilities* ([`capability::Capability`]) and *connections* ([`connection`]) that the host
//! registers.

pub mod clock;
pub mod connection;
