use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that may be done with a key. Keys allow some of them, and grants name some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Make signatures.
    Sign,
    /// Check signatures and MACs.
    Verify,
    /// Encrypt; with SM2, for whoever has the private key.
    Encrypt,
    /// Decrypt.
    Decrypt,
    /// Make MACs.
    Mac,
    /// Agree on keys.
    Agree,
    /// Take the key itself out. Only where it is exportable.
    Export,
}

impl Use {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        Self::Sign,
        Self::Verify,
        Self::Encrypt,
        Self::Decrypt,
        Self::Mac,
        Self::Agree,
        Self::Export,
    ];

    /// Its name in files, on the command line and in grants.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Mac => "mac",
            Self::Agree => "agree",
            Self::Export => "export",
        }
    }

    /// Whether a version that another has replaced still allows it: what was made with it must stay readable, but
    /// nothing new is to be made with it.
    pub fn outlives_rotation(self) -> bool {
        matches!(self, Self::Verify | Self::Decrypt | Self::Export)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Use {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| {
            format!("there is no use `{name}`: take sign, verify, encrypt, decrypt, mac, agree or export")
        })
    }
}

/// A set of uses.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Use>", into = "Vec<Use>")]
pub struct Uses(u8);

impl Uses {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Whether it is among them.
    pub fn contains(self, wanted: Use) -> bool {
        self.0 & wanted.bit() != 0
    }

    /// Whether all of `others` are among them.
    pub fn covers(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and one more.
    #[must_use]
    pub fn with(self, one: Use) -> Self {
        Self(self.0 | one.bit())
    }

    /// These without one.
    #[must_use]
    pub fn without(self, one: Use) -> Self {
        Self(self.0 & !one.bit())
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Each of them, in the order of [`Use::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Use> {
        Use::ALL.into_iter().filter(move |one| self.contains(*one))
    }
}

impl FromIterator<Use> for Uses {
    fn from_iter<I: IntoIterator<Item = Use>>(uses: I) -> Self {
        uses.into_iter().fold(Self::NONE, Self::with)
    }
}

impl<const N: usize> From<[Use; N]> for Uses {
    fn from(uses: [Use; N]) -> Self {
        uses.into_iter().collect()
    }
}

impl From<Vec<Use>> for Uses {
    fn from(uses: Vec<Use>) -> Self {
        uses.into_iter().collect()
    }
}

impl From<Uses> for Vec<Use> {
    fn from(uses: Uses) -> Self {
        uses.iter().collect()
    }
}

impl fmt::Debug for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// `sign, verify`.
impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Use::name).collect();
        f.pad(&names.join(", "))
    }
}
