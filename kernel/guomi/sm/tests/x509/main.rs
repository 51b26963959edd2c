//! Certificates and requests: their issue, chains that hold and chains that don't, and what OpenSSL makes of ours.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod by_hand;
mod chains;
mod crafted;
mod crafted_chains;
mod crafted_requests;
mod damaged;
mod hosts;
mod issuing;
mod openssl;
mod plant;
mod python;
mod requests;
