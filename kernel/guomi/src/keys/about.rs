use weihe_sm::sm2::PublicKey;

use super::{Algorithm, KeyError, Standing, Use, Uses};

/// All that may be known of a version of a key without being able to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name: as names of devices are.
    pub name: String,
    /// What it is for.
    pub algorithm: Algorithm,
    /// Its number; the first is 1.
    pub version: u32,
    /// What tells it from another key that has its name and number later: random digits.
    pub id: String,
    /// Whether it is the version that opens without a number.
    pub current: bool,
    /// When it was made or imported, in seconds since 1970.
    pub created: u64,
    /// Whether the key itself may be taken out.
    pub exportable: bool,
    /// What may be done with it.
    pub uses: Uses,
    /// The public key, with SM2.
    pub public_key: Option<PublicKey>,
    /// The certificate that was attached, in DER.
    pub certificate: Option<Vec<u8>>,
    /// Those of its issuers, as they were attached with it.
    pub issuers: Vec<Vec<u8>>,
    /// Who keeps it: `software`, or the name of a device.
    pub provider: String,
}

impl About {
    /// Whether this version allows a use.
    ///
    /// # Errors
    /// [`KeyError::Use`], [`KeyError::Replaced`], [`KeyError::NotExportable`].
    pub fn allow(&self, wanted: Use) -> Result<(), KeyError> {
        let standing = match self.current {
            true => Standing::Current,
            false => Standing::Replaced,
        };
        self.allow_as(standing, wanted)
    }

    /// The same, as the version stands now: it was opened a while ago.
    pub(super) fn allow_as(&self, standing: Standing, wanted: Use) -> Result<(), KeyError> {
        if standing == Standing::Gone {
            return Err(KeyError::Gone {
                name: self.name.clone(),
                version: self.version,
            });
        }
        if wanted == Use::Export && !self.exportable {
            return Err(KeyError::NotExportable {
                name: self.name.clone(),
            });
        }
        if wanted != Use::Export && !self.uses.contains(wanted) {
            return Err(KeyError::Use {
                name: self.name.clone(),
                algorithm: self.algorithm,
                wanted,
                allowed: self.uses,
            });
        }
        if standing == Standing::Replaced && !wanted.outlives_rotation() {
            return Err(KeyError::Replaced {
                name: self.name.clone(),
                version: self.version,
                wanted,
            });
        }
        Ok(())
    }
}
