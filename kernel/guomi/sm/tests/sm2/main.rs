//! SM2 from outside: bad input, properties, and another implementation.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod chosen;
mod ciphertexts;
mod crafted;
mod differential;
mod exchange;
mod forgery;
mod keys;
mod openssl;
mod signatures;
