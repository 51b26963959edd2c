//! A token by way of PKCS #11: keys in its memory behind its PIN, and its random numbers.
//!
//! PKCS #11 has no numbers for the mechanisms of SM2, SM3 and SM4; each maker takes its own. So the keys are private
//! data objects here, sealed as in files, and work in the host. The key of the store is such an object, too.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use weihe_sm::sm4;
use zeroize::Zeroizing;

use super::Settings;
use crate::keys::KeyError;
use crate::keys::shelf::{Mark, Roll, Shelf, StoreKey};

/// What marks the objects as those of a key store.
const APPLICATION: &[u8] = b"weihe keys";
/// The object with the key of the store.
const STORE: &str = "store";
const STORE_KEY: usize = 16;

/// A token with a session in which its user has logged in.
pub(super) struct Token {
    /// `token <label>`.
    name: String,
    session: Mutex<Session>,
    writing: Mutex<()>,
    /// Held while the key of the store is looked for, or made.
    making: Mutex<()>,
    roll: Roll,
    /// How often this process has changed something on it.
    changes: AtomicI64,
    began: Instant,
    /// Why it cannot compute with the keys itself.
    unable: String,
    // After the session: dropping it ends the library's work.
    _library: Pkcs11,
}

impl Token {
    pub(super) fn open(settings: &Settings, pin: Option<&str>) -> Result<Self, KeyError> {
        let module = settings.module.display().to_string();
        let said = |what: &str, error: &dyn fmt::Display| KeyError::Device {
            device: module.clone(),
            reason: format!("{what}: {error}"),
        };
        let library =
            Pkcs11::new(&settings.module).map_err(|error| said("cannot load it", &error))?;
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match library.initialize(arguments) {
            Ok(()) => {}
            // Another part of this process has.
            Err(TokenError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(said("cannot initialise it", &error)),
        }
        let (slot, label) = find(&library, settings, &module)?;
        let name = format!("token {label}");
        let of_token = |what: &str, error: TokenError| KeyError::Device {
            device: name.clone(),
            reason: format!("{what}: {error}"),
        };
        let pin = pin.ok_or_else(|| KeyError::Device {
            device: name.clone(),
            reason: "there is no PIN: set WEIHE_PKCS11_PIN, or name a file with `pin-file` in [keys.pkcs11]".to_owned(),
        })?;
        let session = library
            .open_rw_session(slot)
            .map_err(|error| of_token("cannot open a session", error))?;
        match session.login(UserType::User, Some(&AuthPin::from(pin.to_owned()))) {
            Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(of_token("cannot log in", error)),
        }
        let mechanisms = library
            .get_mechanism_list(slot)
            .map_err(|error| of_token("cannot list its mechanisms", error))?;
        Ok(Self {
            unable: unable(&mechanisms),
            name,
            session: Mutex::new(session),
            writing: Mutex::default(),
            making: Mutex::default(),
            roll: Roll::default(),
            changes: AtomicI64::new(0),
            began: Instant::now(),
            _library: library,
        })
    }

    pub(super) fn notices(&self) -> Vec<String> {
        vec![format!(
            "{}: {}; keys are kept on it, and the host computes with them",
            self.name, self.unable
        )]
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn said(&self, what: &str, error: TokenError) -> KeyError {
        KeyError::Device {
            device: self.name.clone(),
            reason: format!("{what}: {error}"),
        }
    }

    fn find(&self, session: &Session, label: &str) -> Result<Vec<ObjectHandle>, KeyError> {
        let mut wanted = ours();
        wanted.push(Attribute::Label(label.as_bytes().to_vec()));
        session
            .find_objects(&wanted)
            .map_err(|error| self.said("cannot find an object", error))
    }

    fn value(
        &self,
        session: &Session,
        object: ObjectHandle,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let values = session
            .get_attributes(object, &[AttributeType::Value])
            .map_err(|error| self.said("cannot read an object", error))?;
        let value = values.into_iter().find_map(|value| match value {
            Attribute::Value(bytes) => Some(Zeroizing::new(bytes)),
            _ => None,
        });
        Ok(value.unwrap_or_default())
    }

    fn create(&self, session: &Session, label: &str, bytes: &[u8]) -> Result<(), KeyError> {
        let mut object = ours();
        object.push(Attribute::Label(label.as_bytes().to_vec()));
        object.push(Attribute::Value(bytes.to_vec()));
        let made = session.create_object(&object);
        made.map(|_| ())
            .map_err(|error| self.said("cannot write an object", error))
    }

    fn destroy(&self, session: &Session, objects: Vec<ObjectHandle>) -> Result<(), KeyError> {
        for object in objects {
            session
                .destroy_object(object)
                .map_err(|error| self.said("cannot destroy an object", error))?;
        }
        Ok(())
    }
}

/// What all our objects have: they stay on the token, and only its user sees them.
fn ours() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Application(APPLICATION.to_vec()),
    ]
}

/// The slot and the label of the token that is meant.
fn find(library: &Pkcs11, settings: &Settings, module: &str) -> Result<(Slot, String), KeyError> {
    let fault = |reason: String| KeyError::Device {
        device: module.to_owned(),
        reason,
    };
    let slots = library
        .get_slots_with_initialized_token()
        .map_err(|error| fault(format!("cannot list its tokens: {error}")))?;
    let mut found = Vec::new();
    for slot in slots {
        let info = library
            .get_token_info(slot)
            .map_err(|error| fault(format!("cannot list its tokens: {error}")))?;
        found.push((slot, info.label().trim_end().to_owned()));
    }
    let labels: Vec<_> = found.iter().map(|(_, label)| label.clone()).collect();
    let fits = |(slot, label): &(Slot, String)| {
        settings.token.as_ref().is_none_or(|wanted| wanted == label)
            && settings.slot.is_none_or(|wanted| wanted == slot.id())
    };
    let mut fitting: Vec<_> = found.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(_), false) => Err(fault(format!(
            "which token? It has: {}; name one with `token` in [keys.pkcs11]",
            labels.join(", ")
        ))),
        (None, _) if labels.is_empty() => {
            Err(fault("it has no token that was initialised".to_owned()))
        }
        (None, _) => Err(fault(format!(
            "it has no such token, only: {}",
            labels.join(", ")
        ))),
    }
}

/// What of the mechanisms could be one of national algorithms: what makers have added.
fn unable(mechanisms: &[MechanismType]) -> String {
    let own = mechanisms
        .iter()
        .filter(|mechanism| ***mechanism >= cryptoki_vendor_defined())
        .count();
    match own {
        0 => "this token cannot do SM2, SM3 or SM4".to_owned(),
        own => format!(
            "of this token's {own} mechanisms of its maker's own, weihe does not know which are SM2, SM3 or SM4"
        ),
    }
}

/// CKM_VENDOR_DEFINED (PKCS #11 3.0, 6.1): where the numbers of makers begin.
fn cryptoki_vendor_defined() -> u64 {
    0x8000_0000
}

impl Shelf for Token {
    type Hold<'a> = MutexGuard<'a, ()>;

    fn provider(&self) -> &str {
        &self.name
    }

    fn key(&self) -> Result<StoreKey, KeyError> {
        // Also asked for by who writes already.
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let session = self.session();
        let bytes = match self.find(&session, STORE)?.first() {
            Some(object) => self.value(&session, *object)?,
            None => {
                let mut bytes = Zeroizing::new(vec![0; STORE_KEY]);
                session
                    .generate_random_slice(&mut bytes)
                    .map_err(|error| self.said("gave no random numbers", error))?;
                self.create(&session, STORE, &bytes)?;
                bytes
            }
        };
        Ok(sm4::Key::from_bytes(&bytes)?.into())
    }

    fn hold(&self) -> Result<MutexGuard<'_, ()>, KeyError> {
        Ok(self.writing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn place(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("{}: {file}", self.name))
    }

    fn files(&self) -> Result<Vec<String>, KeyError> {
        let session = self.session();
        let objects = session
            .find_objects(&ours())
            .map_err(|error| self.said("cannot list its objects", error))?;
        let mut names = Vec::new();
        for object in objects {
            let values = session
                .get_attributes(object, &[AttributeType::Label])
                .map_err(|error| self.said("cannot list its objects", error))?;
            names.extend(values.into_iter().filter_map(|value| match value {
                Attribute::Label(label) => String::from_utf8(label).ok(),
                _ => None,
            }));
        }
        Ok(names)
    }

    fn read(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let session = self.session();
        let mut found = Vec::new();
        for object in self.find(&session, file)? {
            found.push(self.value(&session, object)?);
        }
        // Where the power failed while it was written there are two, in no order: the longer one has the certificate.
        // Both are whole, so any will do, as long as it is the same each time.
        let found = found.into_iter().max_by(|one, other| {
            let by_length = one.len().cmp(&other.len());
            by_length.then_with(|| one.as_slice().cmp(other.as_slice()))
        });
        match found {
            Some(bytes) => Ok(bytes),
            None => Err(KeyError::Device {
                device: self.name.clone(),
                reason: format!("it has no object `{file}` any more"),
            }),
        }
    }

    fn write(&self, _held: &MutexGuard<'_, ()>, file: &str, bytes: &[u8]) -> Result<(), KeyError> {
        let session = self.session();
        let before = self.find(&session, file)?;
        // The new one first: one of them is there whenever the power fails.
        self.create(&session, file, bytes)?;
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.destroy(&session, before)
    }

    fn erase(&self, _held: &MutexGuard<'_, ()>, file: &str) -> Result<(), KeyError> {
        let session = self.session();
        let objects = self.find(&session, file)?;
        let destroyed = self.destroy(&session, objects);
        self.changes.fetch_add(1, Ordering::SeqCst);
        destroyed
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError> {
        self.session()
            .generate_random_slice(buffer)
            .map_err(|error| self.said("gave no random numbers", error))
    }

    fn mark(&self) -> Result<Option<Mark>, KeyError> {
        // A token says nothing of changes, and listing it for each use may take longer than the use: what another
        // process did to it shows within a second.
        let second = i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX);
        let changes = self.changes.load(Ordering::SeqCst);
        Ok(Some(Mark([second, changes, 0, 0, 0, 0])))
    }

    fn roll(&self) -> &Roll {
        &self.roll
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, ..)", self.name)
    }
}
