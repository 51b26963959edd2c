use std::fmt;
use std::str::FromStr;

use sha2_0_11::{Digest, Sha256};

use super::{Certificate, parse::hex};
use crate::{Error, sm3::DIGEST};

/// The digest of a certificate in DER, by which people tell it from others.
///
/// It is written as tools print it: 64 hexadecimal digits, with or without colons and spaces, behind `sm3:`, `sha256:`,
/// or nothing. Without a word before them, they stand for either digest: both have as many digits, and
/// neither must be without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    kind: Kind,
    digits: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sm3,
    Sha256,
    Either,
}

impl Kind {
    const WORDS: [(&str, Self); 2] = [("sm3:", Self::Sm3), ("sha256:", Self::Sha256)];

    fn word(self) -> &'static str {
        let mut words = Self::WORDS.into_iter();
        words
            .find(|(_, kind)| *kind == self)
            .map_or("", |(word, _)| word)
    }
}

impl Fingerprint {
    /// That of a certificate, by SM3.
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            kind: Kind::Sm3,
            digits: hex(&certificate.fingerprint()),
        }
    }

    /// That of a certificate, by SHA-256, as most tools show it.
    pub fn sha256_of(certificate: &Certificate) -> Self {
        Self {
            kind: Kind::Sha256,
            digits: hex(&Sha256::digest(certificate.to_der())),
        }
    }

    /// Its digits alone, in lower case.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Whether it is that of a certificate.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        let is_sm3 = || self.digits == hex(&certificate.fingerprint());
        let is_sha256 = || self.digits == hex(&Sha256::digest(certificate.to_der()));
        match self.kind {
            Kind::Sm3 => is_sm3(),
            Kind::Sha256 => is_sha256(),
            Kind::Either => is_sm3() || is_sha256(),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        let named = Kind::WORDS.into_iter().find_map(|(word, kind)| {
            let before = trimmed.get(..word.len())?;
            let rest = trimmed.get(word.len()..)?;
            before.eq_ignore_ascii_case(word).then_some((kind, rest))
        });
        let (kind, digits) = named.unwrap_or((Kind::Either, trimmed));
        match self::digits(digits) {
            Some(digits) if digits.len() == 2 * DIGEST => Ok(Self { kind, digits }),
            _ => Err(Error::Form {
                what: "the fingerprint of a certificate: `sm3:` or `sha256:`, and 64 hexadecimal digits",
                why: format!("`{}`", text.escape_debug()),
            }),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.word(), self.digits)
    }
}

/// The hexadecimal digits of a number, as people write it, in lower case; none where there is anything else.
pub(super) fn digits(text: &str) -> Option<String> {
    let digits = text.chars().filter(|c| *c != ':' && !c.is_whitespace());
    let digits: String = digits.map(|c| c.to_ascii_lowercase()).collect();
    let all = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then_some(digits)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_print_is_read() {
        let digits = "0a".repeat(32);
        for (text, shown) in [
            (digits.clone(), digits.clone()),
            (format!("sm3:{digits}"), format!("sm3:{digits}")),
            (
                format!(" SHA256:{}\n", "0A:".repeat(32)),
                format!("sha256:{digits}"),
            ),
        ] {
            let read: Fingerprint = text.parse().unwrap();
            assert_eq!(read.to_string(), shown);
        }
        for other in ["", "sm3:", "sha256:0a", "md5:0a", &digits[1..], "sm3:sm3:"] {
            other.parse::<Fingerprint>().unwrap_err();
        }
        format!("sm3:sha256:{digits}")
            .parse::<Fingerprint>()
            .unwrap_err();
    }
}
