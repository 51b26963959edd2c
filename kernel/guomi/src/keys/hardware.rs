//! Devices that keep keys.
//!
//! By way of PKCS #11, where the executable can load a maker's library while it runs. National devices (SDF,
//! GM/T 0018-2012; SKF, GM/T 0016-2012) would be further [`Provider`]s; there is none yet.

use std::path::PathBuf;
use std::sync::Arc;

use super::{KeyError, Provider};

#[cfg(target_env = "gnu")]
mod token;

/// Which token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The library of its maker.
    pub module: PathBuf,
    /// Its label; where there is neither label nor slot, it is the only token that is there.
    pub token: Option<String>,
    /// The number of its slot.
    pub slot: Option<u64>,
}

/// Opens a token, and says what people should know of it: what it cannot do itself.
///
/// # Errors
/// [`KeyError::Device`].
#[cfg(target_env = "gnu")]
pub fn open(
    settings: &Settings,
    pin: Option<&str>,
) -> Result<(Arc<dyn Provider>, Vec<String>), KeyError> {
    let token = token::Token::open(settings, pin)?;
    let notices = token.notices();
    Ok((Arc::new(token), notices))
}

/// Says that this executable cannot load libraries.
///
/// # Errors
/// [`KeyError::Device`].
#[cfg(not(target_env = "gnu"))]
pub fn open(
    settings: &Settings,
    _pin: Option<&str>,
) -> Result<(Arc<dyn Provider>, Vec<String>), KeyError> {
    Err(KeyError::Device {
        device: settings.module.display().to_string(),
        reason: "a static weihe cannot load libraries; the one for glibc can".to_owned(),
    })
}
