//! Certificates and requests: their issue, chains that hold and chains that don't, and what OpenSSL makes of ours.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod chains;
mod damaged;
mod hosts;
mod issuing;
mod openssl;
mod plant;
mod python;
mod requests;
