//! National cryptography for Weihe: keys that stay in the host, and the form in which plugins are signed.
//!
//! [`GuomiCapability`] offers it to plugins (`weihe:guomi`), with the keys of a [`Keyring`].

mod capability;
mod error;
pub mod grant;
mod guest;
pub mod keys;
pub mod limits;
mod memory;
mod session;
pub mod signed;
mod worker;

pub use capability::{GUOMI, GuomiCapability, Keyring};
pub use error::GuomiError;
pub use guest::INTERFACES;
pub use memory::MemoryKeys;
pub use weihe_sm as sm;
