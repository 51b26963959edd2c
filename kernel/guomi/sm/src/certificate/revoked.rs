use std::collections::BTreeSet;

use sha2_0_11::{Digest, Sha256};

use super::{Certificate, parse::hex};
use crate::{Error, sm3::DIGEST};

/// Certificates that are no longer trusted, by serial number or by fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    serials: BTreeSet<String>,
    fingerprints: BTreeSet<String>,
}

impl Revoked {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a certificate by what people write: 64 hexadecimal digits are a fingerprint (SM3 or SHA-256 of the
    /// certificate in DER, `openssl x509 -fingerprint -sm3`), up to 42 a serial number; colons and spaces between them don't matter.
    ///
    /// # Errors
    /// [`Error::Form`].
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        let mut digits: String = text
            .chars()
            .filter(|c| *c != ':' && !c.is_whitespace())
            .collect();
        digits.make_ascii_lowercase();
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        match digits.len() {
            length if hexadecimal && length == 2 * DIGEST => {
                self.fingerprints.insert(digits);
            }
            // 21 bytes, RFC 5280, 4.1.2.2 and the zero before.
            1..=42 if hexadecimal => {
                self.serials.insert(shortest(&digits).to_owned());
            }
            _ => {
                return Err(Error::Form {
                    what: "the serial number or the fingerprint of a certificate, in hexadecimal digits",
                    why: format!("`{}`", text.escape_debug()),
                });
            }
        }
        Ok(())
    }

    /// Whether a certificate is among them.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.serials.contains(shortest(&certificate.serial()))
            || self.fingerprints.contains(&hex(&certificate.fingerprint()))
            // Both have 64 digits, and most tools show this one: it must not be without effect.
            || self
                .fingerprints
                .contains(&hex(&Sha256::digest(certificate.to_der())))
    }
}

/// A number without leading zeros.
fn shortest(digits: &str) -> &str {
    digits.trim_start_matches('0')
}
