//! National cryptography in native code: the same functions as a component's imports, computed right here by the
//! algorithms that the host has, with the keys of the test.

#![allow(missing_docs)]

pub mod aead;
pub mod cipher;
pub mod decrypter;
pub mod digest;
pub mod encrypter;
pub mod key_agreement;
pub mod keys;
pub mod mac;
pub mod random;
pub mod signer;
pub mod verifier;

use super::super::seam::Kernel;
use super::TestKey;
use super::setup::Kind;
use crate::bindings::guomi::weihe::guomi as wit;
use crate::guomi::GuomiError;
use weihe_sm::sm2::{DEFAULT_ID, PrivateKey, PublicKey};
use wit::types::{Error, Uses};

/// The most of one call, as on a host.
const DATA: usize = 1 << 20;

impl From<weihe_sm::Error> for Error {
    fn from(error: weihe_sm::Error) -> Self {
        match error {
            weihe_sm::Error::Decrypt | weihe_sm::Error::Exchange => Error::DecryptFailed,
            weihe_sm::Error::Random(_) => Error::Unavailable(error.to_string()),
            other => Error::Malformed(other.to_string()),
        }
    }
}

fn check(data: &[u8]) -> Result<(), Error> {
    match data.len() {
        0..=DATA => Ok(()),
        length => Err(Error::TooLong(format!(
            "bytes of data: {length} is more than the {DATA} that one call may carry"
        ))),
    }
}

/// Whether all that is wanted is among the uses.
fn has(uses: Uses, wanted: Uses) -> bool {
    uses & wanted == wanted
}

fn over() -> Error {
    Error::Malformed("this handle is finished".to_owned())
}

fn wrong(key: &str, what: &str) -> Error {
    Error::WrongUse(format!("key `{key}` cannot {what}"))
}

impl Kernel {
    /// A key of the test, of one of these algorithms.
    fn test_key(
        &self,
        name: &str,
        version: Option<u32>,
        kinds: &[Kind],
        what: &str,
    ) -> Result<TestKey, GuomiError> {
        if let Some(version) = version.filter(|version| *version != 1) {
            let told = format!("key `{name}` has no version {version}");
            return Err(GuomiError::UnknownKey(told));
        }
        let known = self.with(|world| world.secrets.get(name).cloned());
        match known {
            None => Err(GuomiError::UnknownKey(format!(
                "there is no key `{name}` in the test's key store: add it with `Setup::key`"
            ))),
            Some(key) if kinds.contains(&key.kind) => Ok(key),
            Some(_) => Err(wrong(name, what).into()),
        }
    }

    fn private(
        &self,
        name: &str,
        version: Option<u32>,
        what: &str,
    ) -> Result<PrivateKey, GuomiError> {
        let key = self.test_key(name, version, &[Kind::Sm2], what)?;
        let private = PrivateKey::from_bytes(&key.secret).map_err(Error::from)?;
        Ok(private)
    }

    pub fn key(&self, name: &str, version: Option<u32>) -> Result<keys::About, GuomiError> {
        let key = self.test_key(name, version, &[Kind::Sm2, Kind::Sm4, Kind::HmacSm3], "be")?;
        let (algorithm, uses) = match key.kind {
            Kind::Sm2 => (
                wit::keys::Algorithm::Sm2,
                Uses::SIGN | Uses::VERIFY | Uses::ENCRYPT | Uses::DECRYPT | Uses::AGREE,
            ),
            Kind::Sm4 => (wit::keys::Algorithm::Sm4, Uses::ENCRYPT | Uses::DECRYPT),
            Kind::HmacSm3 => (wit::keys::Algorithm::HmacSm3, Uses::MAC | Uses::VERIFY),
        };
        let exported = if key.exportable {
            Uses::EXPORT
        } else {
            Uses::empty()
        };
        Ok(keys::About {
            algorithm,
            version: 1,
            uses: uses | exported,
            public_key: key.public_key(),
            certificate: None,
        })
    }

    pub fn secret(
        &self,
        name: &str,
        version: Option<u32>,
        uses: Uses,
    ) -> Result<keys::Secret, GuomiError> {
        let key = self.test_key(
            name,
            version,
            &[Kind::Sm4, Kind::HmacSm3],
            "be opened as a symmetric one",
        )?;
        let can = match key.kind {
            Kind::Sm4 => Uses::ENCRYPT | Uses::DECRYPT,
            _ => Uses::MAC | Uses::VERIFY,
        };
        let can = if key.exportable {
            can | Uses::EXPORT
        } else {
            can
        };
        if !has(can, uses) {
            return Err(wrong(name, "be opened for all of these uses").into());
        }
        Ok(keys::Secret {
            bytes: key.secret,
            uses,
        })
    }

    pub fn signer(&self, name: &str) -> Result<signer::Signer, GuomiError> {
        self.private(name, None, "sign").map(signer::Signer)
    }

    pub fn verifier(
        &self,
        name: &str,
        version: Option<u32>,
    ) -> Result<verifier::Verifier, GuomiError> {
        let key = self.private(name, version, "verify")?;
        Ok(verifier::Verifier(key.public_key()))
    }

    pub fn encrypter(&self, name: &str) -> Result<encrypter::Encrypter, GuomiError> {
        let key = self.private(name, None, "encrypt")?;
        Ok(encrypter::Encrypter(key.public_key()))
    }

    pub fn decrypter(
        &self,
        name: &str,
        version: Option<u32>,
    ) -> Result<decrypter::Decrypter, GuomiError> {
        self.private(name, version, "decrypt")
            .map(decrypter::Decrypter)
    }

    pub fn initiator(
        &self,
        key: &str,
        parties: &key_agreement::Parties<'_>,
    ) -> Result<key_agreement::Initiator, GuomiError> {
        let private = self.private(key, None, "agree")?;
        Ok(key_agreement::Initiator::begin(&private, parties)?)
    }

    pub fn responder(
        &self,
        key: &str,
        parties: &key_agreement::Parties<'_>,
    ) -> Result<key_agreement::Responder, GuomiError> {
        let private = self.private(key, None, "agree")?;
        Ok(key_agreement::Responder::begin(&private, parties)?)
    }
}

fn point(bytes: &[u8]) -> Result<PublicKey, Error> {
    Ok(PublicKey::from_sec1(bytes)?)
}

fn certified(der: &[u8]) -> Result<PublicKey, Error> {
    let certificate = weihe_sm::certificate::Certificate::from_der(der)?;
    Ok(certificate.public_key())
}

/// The most that SM2 encrypts in one call, as on a host.
const SM2: usize = 65_536;

fn layout(form: wit::types::CiphertextForm) -> weihe_sm::sm2::Layout {
    use weihe_sm::sm2::Layout;
    use wit::types::CiphertextForm;
    match form {
        CiphertextForm::C1c3c2 => Layout::C1C3C2,
        CiphertextForm::C1c2c3 => Layout::C1C2C3,
        CiphertextForm::Der => Layout::Der,
    }
}
