//! What another version of a plugin left.

use crate::{Error, json};
use serde::de::DeserializeOwned;

/// State that another version of the plugin left.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// #[derive(serde::Deserialize)]
/// struct Version1 {
///     alarm: bool,
/// }
///
/// fn migrate(_version: u32, state: OldState<'_>) -> Result<bool, Error> {
///     Ok(state.read::<Version1>()?.alarm)
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OldState<'a>(&'a str);

impl<'a> OldState<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        OldState(json)
    }

    /// Reads it as the type that the state had in that version, or as `serde_json::Value`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// fn migrate(_version: u32, state: OldState<'_>) -> Result<Vec<f64>, Error> {
    ///     state.read()
    /// }
    /// ```
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        json::read(self.0).map_err(|text| Error::rejected(format!("state: {text}")))
    }

    /// It as it is: JSON.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// fn migrate(version: u32, state: OldState<'_>) -> Result<NoState, Error> {
    ///     weihe_sdk::log::warn!("state of version {version} is left: {}", state.as_json());
    ///     Ok(NoState {})
    /// }
    /// ```
    pub fn as_json(self) -> &'a str {
        self.0
    }
}
