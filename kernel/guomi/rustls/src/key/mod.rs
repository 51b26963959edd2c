//! Private keys that handshakes are signed with, and the certificates that go with them.

mod certificate;
mod der;
mod signing;

pub use certificate::{certified_key, certified_key_from_pem, roots_from_pem};
pub use signing::SigningKey;
