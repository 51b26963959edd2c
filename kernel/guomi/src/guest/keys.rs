//! `weihe:guomi/keys@0.1.0`.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::weihe::guomi::keys as wit;
use super::bindings::weihe::guomi::types as words;
use super::{Outcome, View};
use crate::error::{GuomiError, within};
use crate::keys::{Aead, AeadMode, Algorithm, Key, Secret, Use, Uses};
use crate::limits::SECRET_BYTES;
use crate::memory::{Origin, loose};
use crate::session::{Place, effort, not_open_for};
use crate::worker::Effort;

/// A symmetric key that a guest has opened.
pub struct OpenSecret {
    key: Arc<dyn Key>,
    uses: Uses,
    /// Made ready once: the schedule of the key costs more than a short message.
    gcm: Option<Arc<dyn Aead>>,
    ccm: Option<Arc<dyn Aead>>,
    _place: Place,
}

impl OpenSecret {
    /// The key, for a use that it must be open for.
    pub fn to(&self, wanted: Use) -> Result<&Arc<dyn Key>, GuomiError> {
        match self.uses.contains(wanted) {
            true => Ok(&self.key),
            false => Err(not_open_for(&*self.key, wanted, self.uses)),
        }
    }

    /// What it is open for.
    pub fn uses(&self) -> Uses {
        self.uses
    }

    /// How much an operation with it is.
    pub fn effort(&self, bytes: usize) -> Effort {
        effort(&*self.key, Effort::Bytes(bytes))
    }

    /// What encrypts and authenticates with it.
    pub fn aead(&mut self, mode: AeadMode, wanted: Use) -> Result<Arc<dyn Aead>, GuomiError> {
        let key = self.to(wanted)?.clone();
        let ready = match mode {
            AeadMode::Gcm => &mut self.gcm,
            AeadMode::Ccm => &mut self.ccm,
        };
        if let Some(ready) = ready {
            return Ok(ready.clone());
        }
        let made: Arc<dyn Aead> = key.aead(mode)?.into();
        *ready = Some(made.clone());
        Ok(made)
    }
}

impl View<'_> {
    /// Hands a key to the guest.
    pub(super) fn hand_over(
        &mut self,
        key: Arc<dyn Key>,
        uses: Uses,
    ) -> Outcome<Resource<OpenSecret>> {
        let place = self.session()?.place()?;
        self.push(OpenSecret {
            key,
            uses,
            gcm: None,
            ccm: None,
            _place: place,
        })
    }
}

impl View<'_> {
    /// Hands a key that is in no store to the guest.
    pub(super) fn hand_over_loose(
        &mut self,
        bytes: Vec<u8>,
        origin: Origin,
    ) -> Outcome<Resource<OpenSecret>> {
        let key = loose(bytes, origin);
        let about = key.about();
        let uses = match about.exportable {
            true => about.uses.with(Use::Export),
            false => about.uses,
        };
        self.hand_over(Arc::new(key), uses)
    }
}

/// The uses in words of the interface.
const WORDS: [(Use, words::Uses); 7] = [
    (Use::Sign, words::Uses::SIGN),
    (Use::Verify, words::Uses::VERIFY),
    (Use::Encrypt, words::Uses::ENCRYPT),
    (Use::Decrypt, words::Uses::DECRYPT),
    (Use::Mac, words::Uses::MAC),
    (Use::Agree, words::Uses::AGREE),
    (Use::Export, words::Uses::EXPORT),
];

fn from_words(uses: words::Uses) -> Uses {
    let named = WORDS.iter().filter(|(_, word)| uses.contains(*word));
    named.map(|(one, _)| *one).collect()
}

fn to_words(uses: Uses) -> words::Uses {
    let held = WORDS.iter().filter(|(one, _)| uses.contains(*one));
    held.fold(words::Uses::empty(), |all, (_, word)| all | *word)
}

impl wit::Host for View<'_> {
    async fn look(&mut self, name: String, version: Option<u32>) -> Outcome<wit::About> {
        let (about, uses) = self.session()?.look(&name, version).await?;
        Ok(wit::About {
            algorithm: match about.algorithm {
                Algorithm::Sm2 => wit::Algorithm::Sm2,
                Algorithm::Sm4 => wit::Algorithm::Sm4,
                Algorithm::HmacSm3 => wit::Algorithm::HmacSm3,
            },
            version: about.version,
            uses: to_words(uses),
            public_key: about.public_key.map(|key| key.to_sec1().to_vec()),
            certificate: about.certificate,
        })
    }
}

impl wit::HostSecret for View<'_> {
    async fn open(
        &mut self,
        name: String,
        version: Option<u32>,
        uses: words::Uses,
    ) -> Outcome<Resource<OpenSecret>> {
        let uses = from_words(uses);
        let symmetric = [Algorithm::Sm4, Algorithm::HmacSm3];
        let (key, _) = self
            .session()?
            .open(&name, version, &symmetric, uses)
            .await?;
        self.hand_over(key, uses)
    }

    async fn from_bytes(&mut self, bytes: Vec<u8>) -> Outcome<Resource<OpenSecret>> {
        within("bytes of a key", bytes.len() as u64, SECRET_BYTES)?;
        if bytes.is_empty() {
            return Err(GuomiError::Malformed("a key has at least one byte".to_owned()).into());
        }
        self.hand_over_loose(bytes, Origin::Brought)
    }

    async fn generate(&mut self) -> Outcome<Resource<OpenSecret>> {
        let mut bytes = vec![0; 16];
        weihe_sm::random(&mut bytes)?;
        self.hand_over_loose(bytes, Origin::Made)
    }

    async fn export(&mut self, secret: Resource<OpenSecret>) -> Outcome<Vec<u8>> {
        let open = self.get(&secret)?;
        let key = open.to(Use::Export)?.clone();
        let effort = open.effort(0);
        let work = move || Ok(key.export()?);
        match self.session()?.workers().run(effort, work).await? {
            Secret::Sm4(key) => Ok(key.as_bytes().to_vec()),
            Secret::HmacSm3(bytes) => Ok(bytes.to_vec()),
            // Only symmetric keys are opened so.
            Secret::Sm2(_) => Err(GuomiError::WrongUse("it is no symmetric key".to_owned()).into()),
        }
    }

    fn drop(&mut self, secret: Resource<OpenSecret>) -> wasmtime::Result<()> {
        self.close(secret)
    }
}
