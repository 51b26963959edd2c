//! Keys in files: what is read, what is refused, and what OpenSSL makes of ours.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod crafted;
mod crafted_encrypted;
mod damaged;
mod encrypted;
mod files;
mod openssl;
