//! Handshakes and what follows them: with ourselves over pipes in memory, and with OpenSSL in Python.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod exchange;
mod forms;
mod hostile;
mod keys;
mod mixed;
mod openssl;
mod pipe;
mod pki;
mod python;
mod refused;
mod resumption;
