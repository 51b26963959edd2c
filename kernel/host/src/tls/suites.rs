//! Which algorithms are spoken.

use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;

use super::TlsError;

/// The suites that the command line restricts all listeners to.
static ONLY: OnceLock<Vec<String>> = OnceLock::new();

/// Restricts the listeners of this process to these suites, whatever they are configured with.
pub fn restrict(names: Vec<String>) -> Result<(), TlsError> {
    for name in &names {
        let is_known = rustls_guomi::cipher_suite::named(name).is_some()
            || standard().iter().any(|known| spelled(*known) == *name);
        if !is_known {
            return Err(unknown(name));
        }
    }
    // The command line is read once.
    let _ = ONLY.set(names);
    Ok(())
}

/// Which algorithms are spoken at a door: one world or the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Suites {
    /// SM2, SM3 and SM4 in TLS 1.3 (RFC 8998).
    #[default]
    Guomi,
    /// What all the world speaks.
    Standard,
}

impl FromStr for Suites {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "guomi" => Ok(Self::Guomi),
            "standard" => Ok(Self::Standard),
            _ => Err("there are guomi and standard".to_owned()),
        }
    }
}

impl Suites {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guomi => "guomi",
            Self::Standard => "standard",
        }
    }

    /// Whether there is a suite of this name.
    pub fn knows(self, name: &str) -> Result<(), TlsError> {
        self.named(&[name.to_owned()]).map(|_| ())
    }

    /// The suites of these names; none stands for all.
    pub(super) fn named(self, names: &[String]) -> Result<Vec<CipherSuite>, TlsError> {
        names
            .iter()
            .map(|name| {
                let found = match self {
                    Self::Guomi => rustls_guomi::cipher_suite::named(name),
                    Self::Standard => standard()
                        .into_iter()
                        .find(|suite| spelled(*suite) == *name),
                };
                found.ok_or_else(|| TlsError::Suite {
                    name: name.clone(),
                    known: self.known(),
                })
            })
            .collect()
    }

    /// The suites that a listener takes: those of its table, as far as the command line lets it.
    pub(super) fn of_listener(self, names: &[String]) -> Result<Vec<CipherSuite>, TlsError> {
        let own = self.named(names)?;
        let Some(only) = ONLY.get() else {
            return Ok(own);
        };
        let only: Vec<CipherSuite> = only
            .iter()
            .filter_map(|name| self.named(std::slice::from_ref(name)).ok())
            .flatten()
            .filter(|suite| own.is_empty() || own.contains(suite))
            .collect();
        match only.is_empty() {
            true => Err(TlsError::Restricted),
            false => Ok(only),
        }
    }

    fn known(self) -> String {
        let names: Vec<String> = match self {
            Self::Guomi => vec!["TLS_SM4_GCM_SM3".into(), "TLS_SM4_CCM_SM3".into()],
            Self::Standard => standard().into_iter().map(spelled).collect(),
        };
        names.join(", ")
    }

    /// The standard algorithms, with some of their suites; none stands for all.
    pub(super) fn standard(suites: &[CipherSuite]) -> Arc<CryptoProvider> {
        let mut provider = rustls::crypto::ring::default_provider();
        if !suites.is_empty() {
            provider
                .cipher_suites
                .retain(|known| suites.contains(&known.suite()));
        }
        Arc::new(provider)
    }
}

fn unknown(name: &str) -> TlsError {
    TlsError::Suite {
        name: name.to_owned(),
        known: format!("{}, {}", Suites::Guomi.known(), Suites::Standard.known()),
    }
}

fn standard() -> Vec<CipherSuite> {
    let all = rustls::crypto::ring::default_provider().cipher_suites;
    all.iter().map(|suite| suite.suite()).collect()
}

/// As IANA registers it.
fn spelled(suite: CipherSuite) -> String {
    format!("{suite:?}").replace("TLS13_", "TLS_")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_the_names_of_the_registry_and_stay_in_their_world() {
        let name = |name: &str| [name.to_owned()];
        assert!(Suites::Guomi.named(&name("TLS_SM4_GCM_SM3")).is_ok());
        assert!(
            Suites::Standard
                .named(&name("TLS_AES_128_GCM_SHA256"))
                .is_ok()
        );
        for (suites, other) in [
            (Suites::Guomi, "TLS_AES_128_GCM_SHA256"),
            (Suites::Standard, "TLS_SM4_GCM_SM3"),
        ] {
            let error = suites.named(&name(other)).unwrap_err().to_string();
            assert!(
                error.contains(other) && error.contains("there are"),
                "{error}"
            );
        }
    }
}
