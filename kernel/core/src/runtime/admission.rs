//! Who may become a plugin: asked before anything is compiled, and once more when a plugin has said what it is.
//!
//! The core knows no cipher. What a signature looks like, and who is trusted, the host decides.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::description::Description;

/// What is known of who made a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Whose signature it bears, as the certificate names them; none where there is no signature that holds.
    pub signer: Option<String>,
    /// When it was signed, in seconds since 1970.
    pub signed: Option<u64>,
    /// What speaks against it, where it runs all the same.
    pub warning: Option<String>,
}

/// A file that may be compiled.
#[derive(Debug)]
pub struct Admitted {
    /// The bytes that are compiled: those that were signed, and no others.
    pub bytes: Vec<u8>,
    /// What it has to say of itself: its name and version, as they were signed.
    pub signed: Option<(String, String)>,
    /// Who made it; none where that is not looked at.
    pub origin: Option<Origin>,
}

/// Decides which files become plugins. Every way to load one goes through it.
pub trait Admission: Send + Sync {
    /// Whether the bytes of a file may be compiled as the plugin of this name. Also what was compiled before is asked
    /// for: who is trusted may have changed.
    ///
    /// # Errors
    /// Why it may not, in words that follow the file's name.
    fn ask(&self, name: &str, file: &Path, bytes: Vec<u8>) -> Result<Admitted, String>;

    /// Whether a plugin that was admitted may be what it says it is. What speaks against it, and is put up with, goes
    /// into `origin`.
    ///
    /// # Errors
    /// Why it may not.
    fn described(
        &self,
        signed: Option<&(String, String)>,
        said: &Description,
        origin: &mut Option<Origin>,
    ) -> Result<(), String>;

    /// A plugin runs, and has proved itself where it took the place of another.
    fn runs(&self, said: &Description, origin: &Origin);

    /// An operator has gone back to this version from one that ran: it has to be let in again when the host starts
    /// anew.
    fn returns(&self, said: &Description, origin: &Origin);
}
