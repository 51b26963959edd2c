//! National cryptography in native code: the same functions as a component's imports, computed right here by the
//! algorithms that the host has, with the keys of the test.

#![allow(missing_docs)]

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

pub mod random {
    use super::Error;

    pub fn bytes(length: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; length as usize];
        weihe_sm::random(&mut bytes)?;
        Ok(bytes)
    }
}

pub mod keys {
    use super::{Error, Uses, has};

    pub use super::wit::keys::About;

    pub struct Secret {
        pub(super) bytes: Vec<u8>,
        pub(super) uses: Uses,
    }

    impl std::fmt::Debug for Secret {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Secret(..)")
        }
    }

    impl Secret {
        pub(super) fn loose(bytes: &[u8]) -> Self {
            let uses = match bytes.len() {
                16 => Uses::ENCRYPT | Uses::DECRYPT | Uses::MAC | Uses::VERIFY,
                _ => Uses::MAC | Uses::VERIFY,
            };
            Secret {
                bytes: bytes.to_vec(),
                uses,
            }
        }

        pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
            match bytes.len() {
                0 => Err(Error::Malformed("a key has at least one byte".to_owned())),
                1..=1024 => {
                    let mut secret = Self::loose(bytes);
                    secret.uses = secret.uses | Uses::EXPORT;
                    Ok(secret)
                }
                length => Err(Error::TooLong(format!(
                    "bytes of a key: {length} is more than the 1024 that one call may carry"
                ))),
            }
        }

        pub fn generate() -> Result<Self, Error> {
            Ok(Self::loose(&super::random::bytes(16)?))
        }

        pub fn export(&self) -> Result<Vec<u8>, Error> {
            self.to(Uses::EXPORT).map(<[u8]>::to_vec)
        }

        pub(super) fn to(&self, wanted: Uses) -> Result<&[u8], Error> {
            match has(self.uses, wanted) {
                true => Ok(&self.bytes),
                false => Err(Error::WrongUse(
                    "the key was not opened for this".to_owned(),
                )),
            }
        }

        pub(super) fn sm4(&self, wanted: Uses) -> Result<weihe_sm::sm4::Key, Error> {
            Ok(weihe_sm::sm4::Key::from_bytes(self.to(wanted)?)?)
        }
    }
}

pub mod digest {
    use super::{Error, check};
    use std::cell::RefCell;

    pub fn sm3(data: &[u8]) -> Result<Vec<u8>, Error> {
        check(data)?;
        Ok(weihe_sm::sm3::digest(data).to_vec())
    }

    #[derive(Debug, Default)]
    pub struct Hasher(RefCell<weihe_sm::sm3::Sm3>);

    impl Hasher {
        pub fn open() -> Result<Self, Error> {
            Ok(Self::default())
        }

        pub fn update(&self, data: &[u8]) -> Result<(), Error> {
            check(data)?;
            self.0.borrow_mut().update(data);
            Ok(())
        }

        pub fn finish(&self) -> Result<Vec<u8>, Error> {
            Ok(self.0.take().finish().to_vec())
        }
    }
}

pub mod mac {
    use super::keys::Secret;
    use super::{Error, Uses, check, has};
    use std::cell::RefCell;
    use weihe_sm::sm3::Hmac;

    fn made(key: &[u8], data: &[u8]) -> Result<Hmac, Error> {
        check(data)?;
        let mut mac = Hmac::new(key);
        mac.update(data);
        Ok(mac)
    }

    pub fn hmac_sm3(key: &Secret, data: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(made(key.to(Uses::MAC)?, data)?.finish().to_vec())
    }

    pub fn verify(key: &Secret, data: &[u8], code: &[u8]) -> Result<bool, Error> {
        Ok(made(key.to(Uses::VERIFY)?, data)?.verify(code).is_ok())
    }

    #[derive(Debug)]
    pub struct Hasher {
        state: RefCell<Hmac>,
        uses: Uses,
    }

    impl Hasher {
        pub fn open(key: &Secret) -> Result<Self, Error> {
            let bytes = key.to(Uses::MAC).or_else(|_| key.to(Uses::VERIFY))?;
            Ok(Hasher {
                state: RefCell::new(Hmac::new(bytes)),
                uses: key.uses,
            })
        }

        pub fn update(&self, data: &[u8]) -> Result<(), Error> {
            check(data)?;
            self.state.borrow_mut().update(data);
            Ok(())
        }

        fn state(&self, wanted: Uses) -> Result<Hmac, Error> {
            match has(self.uses, wanted) {
                true => Ok(self.state.borrow().clone()),
                false => Err(Error::WrongUse(
                    "the key was not opened for this".to_owned(),
                )),
            }
        }

        pub fn finish(&self) -> Result<Vec<u8>, Error> {
            Ok(self.state(Uses::MAC)?.finish().to_vec())
        }

        pub fn verify(&self, code: &[u8]) -> Result<bool, Error> {
            Ok(self.state(Uses::VERIFY)?.verify(code).is_ok())
        }
    }
}

pub mod cipher {
    use super::keys::Secret;
    use super::wit::cipher::{Direction, Mode, Padding};
    use super::{Error, Uses, check, over};
    use std::cell::RefCell;
    use weihe_sm::sm4::{self, Cbc, Ctr, Decryptor, Ecb, Encryptor};

    enum State {
        Encrypting(Encryptor),
        Decrypting(Decryptor),
        Counting(Box<Ctr>),
    }

    pub struct Stream(RefCell<Option<State>>);

    impl std::fmt::Debug for Stream {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Stream(..)")
        }
    }

    fn block(bytes: &[u8]) -> Result<&[u8; 16], Error> {
        let wrong =
            |_| Error::Malformed(format!("a mode begins with 16 bytes, not {}", bytes.len()));
        bytes.try_into().map_err(wrong)
    }

    impl Stream {
        pub fn open(
            key: &Secret,
            direction: Direction,
            mode: Mode<'_>,
            padding: Padding,
        ) -> Result<Self, Error> {
            let padding = match padding {
                Padding::None => sm4::Padding::None,
                Padding::Pkcs7 => sm4::Padding::Pkcs7,
            };
            let encrypts = direction == Direction::Encrypt;
            let key = &key.sm4(if encrypts {
                Uses::ENCRYPT
            } else {
                Uses::DECRYPT
            })?;
            let state = match (mode, encrypts) {
                (Mode::Ctr(counter), _) => {
                    State::Counting(Box::new(Ctr::new(key, block(counter)?)))
                }
                (Mode::Cbc(iv), true) => {
                    State::Encrypting(Cbc::new(key).encryptor(block(iv)?, padding))
                }
                (Mode::Cbc(iv), false) => {
                    State::Decrypting(Cbc::new(key).decryptor(block(iv)?, padding))
                }
                (Mode::Ecb, true) => State::Encrypting(Ecb::new(key).encryptor(padding)),
                (Mode::Ecb, false) => State::Decrypting(Ecb::new(key).decryptor(padding)),
            };
            Ok(Stream(RefCell::new(Some(state))))
        }

        pub fn update(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
            check(data)?;
            Ok(match self.0.borrow_mut().as_mut().ok_or_else(over)? {
                State::Encrypting(state) => state.update(data),
                State::Decrypting(state) => state.update(data),
                State::Counting(state) => state.update(data),
            })
        }

        pub fn finish(&self) -> Result<Vec<u8>, Error> {
            Ok(match self.0.take().ok_or_else(over)? {
                State::Encrypting(state) => state.finish()?,
                State::Decrypting(state) => state.finish()?,
                State::Counting(_) => Vec::new(),
            })
        }
    }

    fn whole(stream: Stream, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = stream.update(data)?;
        out.extend(stream.finish()?);
        Ok(out)
    }

    pub fn encrypt(
        key: &Secret,
        mode: Mode<'_>,
        padding: Padding,
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        whole(Stream::open(key, Direction::Encrypt, mode, padding)?, data)
    }

    pub fn decrypt(
        key: &Secret,
        mode: Mode<'_>,
        padding: Padding,
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        whole(Stream::open(key, Direction::Decrypt, mode, padding)?, data)
    }
}

pub mod aead {
    use super::keys::Secret;
    use super::wit::aead::Mode;
    use super::{Error, Uses, check, over};
    use std::cell::RefCell;
    use weihe_sm::sm4::{Aead, GcmSealer, Key, TAG};

    fn of(mode: Mode, key: &Key) -> Aead {
        match mode {
            Mode::Gcm => Aead::gcm(key),
            Mode::Ccm => Aead::ccm(key),
        }
    }

    pub fn seal(
        key: &Secret,
        mode: Mode,
        nonce: &[u8],
        associated: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        check(data)?;
        let mut sealed = data.to_vec();
        let tag = of(mode, &key.sm4(Uses::ENCRYPT)?).seal(nonce, associated, &mut sealed)?;
        sealed.extend(tag);
        Ok(sealed)
    }

    pub fn open(
        key: &Secret,
        mode: Mode,
        nonce: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let key = key.sm4(Uses::DECRYPT)?;
        let Some((data, tag)) = sealed.split_last_chunk::<{ TAG }>() else {
            return Err(Error::DecryptFailed);
        };
        check(data)?;
        let mut opened = data.to_vec();
        of(mode, &key).open(nonce, associated, &mut opened, tag)?;
        Ok(opened)
    }

    pub struct Sealing(RefCell<Option<GcmSealer>>);

    impl std::fmt::Debug for Sealing {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Sealing(..)")
        }
    }

    impl Sealing {
        pub fn begin(key: &Secret, nonce: &[u8], associated: &[u8]) -> Result<Self, Error> {
            let sealer = GcmSealer::new(&key.sm4(Uses::ENCRYPT)?, nonce, associated)?;
            Ok(Sealing(RefCell::new(Some(sealer))))
        }

        pub fn update(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
            check(data)?;
            Ok(self
                .0
                .borrow_mut()
                .as_mut()
                .ok_or_else(over)?
                .update(data)?)
        }

        pub fn finish(&self) -> Result<Vec<u8>, Error> {
            Ok(self.0.take().ok_or_else(over)?.finish().to_vec())
        }
    }
}

pub mod signer {
    use super::wit::types::SignatureForm;
    use super::{DEFAULT_ID, Error, PrivateKey, check};
    use weihe_sm::sm2::Signature;

    #[derive(Debug)]
    pub struct Signer(pub(super) PrivateKey);

    fn written(signature: &Signature, form: SignatureForm) -> Vec<u8> {
        match form {
            SignatureForm::Raw => signature.to_bytes().to_vec(),
            SignatureForm::Der => signature.to_der(),
        }
    }

    impl Signer {
        pub fn sign(
            &self,
            id: Option<&[u8]>,
            message: &[u8],
            form: SignatureForm,
        ) -> Result<Vec<u8>, Error> {
            check(message)?;
            let signature = self.0.sign(id.unwrap_or(DEFAULT_ID), message)?;
            Ok(written(&signature, form))
        }

        pub fn sign_digest(&self, digest: &[u8], form: SignatureForm) -> Result<Vec<u8>, Error> {
            let wrong =
                |_| Error::Malformed(format!("a digest has 32 bytes, not {}", digest.len()));
            let digest = digest.try_into().map_err(wrong)?;
            Ok(written(&self.0.sign_digest(digest)?, form))
        }

        pub fn public_key(&self) -> Vec<u8> {
            self.0.public_key().to_sec1().to_vec()
        }
    }
}

pub mod verifier {
    use super::wit::types::SignatureForm;
    use super::{DEFAULT_ID, Error, PublicKey, certified, check, point};
    use weihe_sm::sm2::Signature;

    #[derive(Debug)]
    pub struct Verifier(pub(super) PublicKey);

    fn read(signature: &[u8], form: SignatureForm) -> Option<Signature> {
        match form {
            SignatureForm::Raw => Signature::from_bytes(signature).ok(),
            SignatureForm::Der => Signature::from_der(signature).ok(),
        }
    }

    impl Verifier {
        pub fn from_public_key(bytes: &[u8]) -> Result<Self, Error> {
            point(bytes).map(Self)
        }

        pub fn from_certificate(der: &[u8]) -> Result<Self, Error> {
            certified(der).map(Self)
        }

        pub fn verify(
            &self,
            id: Option<&[u8]>,
            message: &[u8],
            signature: &[u8],
            form: SignatureForm,
        ) -> Result<bool, Error> {
            check(message)?;
            let digest = self.0.digest(id.unwrap_or(DEFAULT_ID), message)?;
            self.verify_digest(&digest, signature, form)
        }

        pub fn verify_digest(
            &self,
            digest: &[u8],
            signature: &[u8],
            form: SignatureForm,
        ) -> Result<bool, Error> {
            let wrong =
                |_| Error::Malformed(format!("a digest has 32 bytes, not {}", digest.len()));
            let digest = digest.try_into().map_err(wrong)?;
            let signature = read(signature, form);
            Ok(signature.is_some_and(|signature| self.0.verify_digest(digest, &signature).is_ok()))
        }

        pub fn public_key(&self) -> Vec<u8> {
            self.0.to_sec1().to_vec()
        }
    }
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

pub mod encrypter {
    use super::wit::types::CiphertextForm;
    use super::{Error, PublicKey, SM2, certified, layout, point};

    #[derive(Debug)]
    pub struct Encrypter(pub(super) PublicKey);

    impl Encrypter {
        pub fn from_public_key(bytes: &[u8]) -> Result<Self, Error> {
            point(bytes).map(Self)
        }

        pub fn from_certificate(der: &[u8]) -> Result<Self, Error> {
            certified(der).map(Self)
        }

        pub fn encrypt(&self, data: &[u8], form: CiphertextForm) -> Result<Vec<u8>, Error> {
            if data.len() > SM2 {
                return Err(Error::TooLong(format!(
                    "bytes to encrypt with SM2: {} is more than the {SM2} that one call may carry",
                    data.len()
                )));
            }
            Ok(self.0.encrypt(layout(form), data)?)
        }
    }
}

pub mod decrypter {
    use super::wit::types::CiphertextForm;
    use super::{Error, PrivateKey, layout};

    #[derive(Debug)]
    pub struct Decrypter(pub(super) PrivateKey);

    impl Decrypter {
        pub fn decrypt(&self, ciphertext: &[u8], form: CiphertextForm) -> Result<Vec<u8>, Error> {
            Ok(self.0.decrypt(layout(form), ciphertext)?.to_vec())
        }
    }
}

pub mod key_agreement {
    use super::keys::Secret;
    use super::{DEFAULT_ID, Error, PrivateKey, over, point};
    use std::cell::RefCell;
    use weihe_sm::sm2::exchange;

    pub use super::wit::key_agreement::Parties;

    #[derive(Debug)]
    pub struct Initiator {
        begun: RefCell<Option<exchange::Initiator>>,
        point: [u8; 65],
        length: usize,
    }

    #[derive(Debug)]
    pub struct Responder {
        begun: RefCell<Option<exchange::Responder>>,
        agreed: RefCell<Option<exchange::Agreed>>,
        length: usize,
    }

    fn peer<'a>(parties: &Parties<'a>) -> Result<exchange::Party<'a>, Error> {
        match parties.length {
            1..=1024 => Ok(exchange::Party {
                key: point(parties.peer_key)?,
                id: parties.peer_id.unwrap_or(DEFAULT_ID),
            }),
            length => Err(Error::TooLong(format!(
                "bytes to agree on: {length} is not between 1 and 1024"
            ))),
        }
    }

    impl Initiator {
        pub(super) fn begin(key: &PrivateKey, parties: &Parties<'_>) -> Result<Self, Error> {
            let own = parties.own_id.unwrap_or(DEFAULT_ID);
            let begun = exchange::Initiator::new(key, own, peer(parties)?)?;
            Ok(Initiator {
                point: begun.point(),
                begun: RefCell::new(Some(begun)),
                length: parties.length as usize,
            })
        }

        pub fn point(&self) -> Vec<u8> {
            self.point.to_vec()
        }

        pub fn finish(
            &self,
            point: &[u8],
            confirmation: &[u8],
        ) -> Result<(Secret, Vec<u8>), Error> {
            let begun = self.begun.take().ok_or_else(over)?;
            let agreed = begun.finish(point, self.length)?;
            let own = agreed.confirmation().to_vec();
            Ok((Secret::loose(&agreed.confirm(confirmation)?), own))
        }
    }

    impl Responder {
        pub(super) fn begin(key: &PrivateKey, parties: &Parties<'_>) -> Result<Self, Error> {
            let own = parties.own_id.unwrap_or(DEFAULT_ID);
            let begun = exchange::Responder::new(key, own, peer(parties)?)?;
            Ok(Responder {
                begun: RefCell::new(Some(begun)),
                agreed: RefCell::new(None),
                length: parties.length as usize,
            })
        }

        pub fn respond(&self, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
            let begun = self.begun.take().ok_or_else(over)?;
            let own = begun.point().to_vec();
            let agreed = begun.finish(point, self.length)?;
            let confirmation = agreed.confirmation().to_vec();
            *self.agreed.borrow_mut() = Some(agreed);
            Ok((own, confirmation))
        }

        pub fn finish(&self, confirmation: &[u8]) -> Result<Secret, Error> {
            let agreed = self.agreed.take().ok_or_else(over)?;
            Ok(Secret::loose(&agreed.confirm(confirmation)?))
        }
    }
}
