use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Use, Uses};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// SM2 (GB/T 32918-2016): signatures, decryption, key agreement.
    Sm2,
    /// SM4 (GB/T 32907-2016): encryption and decryption, in all modes.
    Sm4,
    /// HMAC (RFC 2104) over SM3 (GB/T 32905-2016).
    HmacSm3,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sm2, Self::Sm4, Self::HmacSm3];

    /// Its name in files, on the command line and in interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sm2 => "sm2",
            Self::Sm4 => "sm4",
            Self::HmacSm3 => "hmac-sm3",
        }
    }

    /// All that a key of it can be used for, but for its export.
    pub fn uses(self) -> Uses {
        match self {
            Self::Sm2 => [
                Use::Sign,
                Use::Verify,
                Use::Encrypt,
                Use::Decrypt,
                Use::Agree,
            ]
            .into(),
            Self::Sm4 => [Use::Encrypt, Use::Decrypt].into(),
            Self::HmacSm3 => [Use::Mac, Use::Verify].into(),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| format!("there is no algorithm `{name}`: take sm2, sm4 or hmac-sm3"))
    }
}
