use std::collections::BTreeSet;

use super::{Certificate, Fingerprint, fingerprint::digits};
use crate::Error;

/// Certificates that are no longer trusted, by serial number or by fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    serials: BTreeSet<String>,
    fingerprints: Vec<Fingerprint>,
}

impl Revoked {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a certificate by what people write: a [`Fingerprint`], or up to 42 hexadecimal digits of its serial number;
    /// colons and spaces between them don't matter.
    ///
    /// # Errors
    /// [`Error::Form`].
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        if let Ok(fingerprint) = text.parse() {
            if !self.fingerprints.contains(&fingerprint) {
                self.fingerprints.push(fingerprint);
            }
            return Ok(());
        }
        match digits(text) {
            // 21 bytes, RFC 5280, 4.1.2.2 and the zero before.
            Some(digits) if digits.len() <= 42 => {
                self.serials.insert(shortest(&digits).to_owned());
                Ok(())
            }
            _ => Err(Error::Form {
                what: "the serial number or the fingerprint of a certificate, in hexadecimal digits",
                why: format!("`{}`", text.escape_debug()),
            }),
        }
    }

    /// Whether a certificate is among them.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.serials.contains(shortest(&certificate.serial()))
            || self.fingerprints.iter().any(|one| one.is_of(certificate))
    }
}

/// A number without leading zeros.
fn shortest(digits: &str) -> &str {
    digits.trim_start_matches('0')
}
