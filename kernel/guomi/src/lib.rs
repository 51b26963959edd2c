//! National cryptography for Weihe: keys that stay in the host, and signed plugins.

pub mod keys;
pub mod signed;

pub use weihe_sm as sm;
