//! Which keys plugins reach.

use std::sync::Arc;

use weihe_guomi::{Keyring, MemoryKeys};

/// The keys of a system.
pub(crate) fn keyring() -> Arc<dyn Keyring> {
    Arc::new(MemoryKeys::default())
}
