//! Keys in files: what is read, what is refused, and what OpenSSL makes of ours.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod damaged;
mod encrypted;
mod files;
mod openssl;
