//! What a test puts into the key store before the plugin starts.

use super::super::setup::Setup;
use crate::Plugin;
use std::fmt;
use weihe_sm::sm2::PrivateKey;

/// A key for [`Setup::key`]. What it consists of is the test's to know.
///
/// ```
/// use weihe_sdk::testing::TestKey;
///
/// let meter = TestKey::sm2(&[7; 32]);
/// assert_eq!(meter.public_key().map(|point| point.len()), Some(65));
/// let archive = TestKey::sm4(&[7; 16]).exportable();
/// assert_eq!(archive.public_key(), None);
/// ```
#[derive(Clone)]
pub struct TestKey {
    pub(super) kind: Kind,
    pub(super) secret: Vec<u8>,
    pub(super) exportable: bool,
}

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sm2,
    Sm4,
    HmacSm3,
}

impl fmt::Debug for TestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestKey({:?}, ..)", self.kind)
    }
}

impl TestKey {
    fn of(kind: Kind, secret: &[u8]) -> Self {
        TestKey {
            kind,
            secret: secret.to_vec(),
            exportable: false,
        }
    }

    /// A pair of keys of SM2, by the number of the private one.
    ///
    /// ```
    /// # use weihe_sdk::testing::TestKey;
    /// let meter = TestKey::sm2(&[7; 32]);
    /// ```
    pub fn sm2(private: &[u8; 32]) -> Self {
        Self::of(Kind::Sm2, private)
    }

    /// A key of SM4.
    ///
    /// ```
    /// # use weihe_sdk::testing::TestKey;
    /// let archive = TestKey::sm4(&[7; 16]);
    /// ```
    pub fn sm4(key: &[u8; 16]) -> Self {
        Self::of(Kind::Sm4, key)
    }

    /// A key of HMAC-SM3, of any length.
    ///
    /// ```
    /// # use weihe_sdk::testing::TestKey;
    /// let codes = TestKey::hmac_sm3(b"shared with the gateway");
    /// ```
    pub fn hmac_sm3(key: &[u8]) -> Self {
        Self::of(Kind::HmacSm3, key)
    }

    /// One that is declared exportable.
    ///
    /// ```
    /// # use weihe_sdk::testing::TestKey;
    /// let archive = TestKey::sm4(&[7; 16]).exportable();
    /// ```
    pub fn exportable(mut self) -> Self {
        self.exportable = true;
        self
    }

    /// The public key of a pair, in SEC 1 form: to check what the plugin has signed.
    ///
    /// ```
    /// # use weihe_sdk::{guomi::Verifier, testing::TestKey};
    /// let point = TestKey::sm2(&[7; 32]).public_key().unwrap();
    /// assert!(Verifier::from_public_key(&point).is_ok());
    /// ```
    pub fn public_key(&self) -> Option<Vec<u8>> {
        if self.kind != Kind::Sm2 {
            return None;
        }
        let key = PrivateKey::from_bytes(&self.secret).ok()?;
        Some(key.public_key().to_sec1().to_vec())
    }

    /// What the sandbox is told.
    fn told(&self, name: &str) -> serde_json::Value {
        let algorithm = match self.kind {
            Kind::Sm2 => "sm2",
            Kind::Sm4 => "sm4",
            Kind::HmacSm3 => "hmac-sm3",
        };
        serde_json::json!({
            "name": name,
            "algorithm": algorithm,
            "secret": super::super::sight::hex(&self.secret),
            "exportable": self.exportable,
        })
    }
}

impl<P: Plugin> Setup<P> {
    /// Puts a key into the key store, and grants the device all that can be done with it, unless [`Setup::grants`] says
    /// otherwise in the sandbox.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let kernel = setup.key("meter", TestKey::sm2(&[7; 32])).start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn key(mut self, name: &str, key: TestKey) -> Self {
        self.settings.keys.push(key.told(name));
        self.kernel
            .with(|world| world.secrets.insert(name.to_owned(), key));
        self
    }
}
