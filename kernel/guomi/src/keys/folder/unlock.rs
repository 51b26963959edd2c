//! The key of a store: random, and kept in the file `store`, sealed under what a passphrase or the machine gives.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use weihe_sm::{
    random,
    sm3::{self, Hmac},
    sm4::{self, Aead, NONCE, TAG},
};
use zeroize::Zeroizing;

use super::disk::{self, Lock};
use super::{Passphrase, Passphrases};
use crate::keys::KeyError;
use crate::keys::hex;
use crate::keys::shelf::StoreKey;

const STORE: &str = "store";
const MACHINE_KEY: &str = "machine.key";
const MACHINE_ID: &str = "/etc/machine-id";
const FORMAT: u32 = 1;
/// More than the file has with its longest numbers.
const LONGEST: u64 = 4096;
const SALT: usize = 16;
/// What is associated with the key before.
const BEFORE: &[u8] = b"weihe key store 1 before";
const MACHINE_KEY_LENGTH: usize = 32;

/// How often PBKDF2 goes round where nothing else is asked for: some tenths of a second on a small board, for a
/// guess as for the owner (OWASP's figure for SHA-256, to which SM3 compares).
pub const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();
/// The fewest rounds (GM/T 0091-2020, 6.2: at least 1024).
pub const FEWEST_ROUNDS: u32 = 1024;
/// The most rounds that are gone: a file that names more would keep the host busy for minutes.
pub const MOST_ROUNDS: u32 = 10_000_000;

/// What a store is protected with.
#[derive(Debug)]
pub enum Protection {
    /// A passphrase, through this many rounds of PBKDF2-HMAC-SM3.
    Passphrase(Passphrase, NonZeroU32),
    /// A key file beside the keys, and the identity of the machine. See `docs/keys.md` for what that is worth.
    Machine,
}

/// The file `store`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    format: u32,
    protection: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rounds: Option<u32>,
    salt: String,
    nonce: String,
    /// The key of the store and its tag.
    key: String,
    /// The key before it, sealed under it: nonce, key and tag. It is there while files are sealed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// How a store is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A passphrase.
    Passphrase,
    /// The machine.
    Machine,
}

/// The last passphrase that did not open a store, as a digest under a key of this process: it says nothing of the
/// passphrase to who reads it without the key.
#[derive(Default)]
pub(super) struct Refused(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    key: Zeroizing<[u8; 32]>,
    last: Option<[u8; sm3::DIGEST]>,
}

impl Refused {
    /// Of a file and a passphrase.
    pub(super) fn digest(&self, file: &[u8], words: &Passphrase) -> Option<[u8; sm3::DIGEST]> {
        let mut memory = self.lock();
        if memory.last.is_none() {
            // Without random numbers nothing is remembered.
            random(&mut *memory.key).ok()?;
        }
        let mut mac = Hmac::new(&*memory.key);
        mac.update(&(file.len() as u64).to_be_bytes());
        mac.update(file);
        mac.update(words.as_bytes());
        Some(mac.finish())
    }

    pub(super) fn knows(&self, digest: Option<[u8; sm3::DIGEST]>) -> bool {
        digest.is_some() && self.lock().last == digest
    }

    fn remember(&self, digest: Option<[u8; sm3::DIGEST]>) {
        self.lock().last = digest;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a store in the folder.
pub(super) fn exists(folder: &Path) -> bool {
    folder.join(STORE).symlink_metadata().is_ok()
}

/// The bytes of the file `store`.
pub(super) fn read(folder: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match exists(folder) {
        true => disk::read(&folder.join(STORE), LONGEST),
        false => Err(KeyError::NoStore(folder.to_owned())),
    }
}

/// How the store is protected whose file has these bytes.
pub(super) fn kind(folder: &Path, bytes: &[u8]) -> Result<Kind, KeyError> {
    parse(folder, bytes).map(|store| store.protection)
}

/// Makes the key of a store and writes it down.
pub(super) fn create(
    lock: &Lock,
    folder: &Path,
    protection: &Protection,
) -> Result<sm4::Key, KeyError> {
    let key = sm4::Key::generate()?;
    if matches!(protection, Protection::Machine) {
        make_machine_key(lock, folder)?;
    }
    write(lock, folder, protection, &key.clone().into())?;
    Ok(key)
}

/// Makes `machine.key`, where there is none yet.
pub(super) fn make_machine_key(lock: &Lock, folder: &Path) -> Result<(), KeyError> {
    if folder.join(MACHINE_KEY).symlink_metadata().is_ok() {
        return Ok(());
    }
    let mut bytes = Zeroizing::new([0; MACHINE_KEY_LENGTH]);
    random(&mut *bytes)?;
    disk::write(lock, folder, MACHINE_KEY, &*bytes)
}

/// Erases `machine.key`, where it is there.
pub(super) fn erase_machine_key(lock: &Lock, folder: &Path) -> Result<(), KeyError> {
    match folder.join(MACHINE_KEY).symlink_metadata() {
        Ok(_) => disk::erase(lock, folder, MACHINE_KEY),
        Err(_) => Ok(()),
    }
}

/// Writes the key of a store down under a protection, and the key before it.
pub(super) fn write(
    lock: &Lock,
    folder: &Path,
    protection: &Protection,
    key: &StoreKey,
) -> Result<(), KeyError> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    random(&mut salt)?;
    random(&mut nonce)?;
    let (protection, rounds, outer) = match protection {
        Protection::Passphrase(words, rounds) => {
            let rounds = check_rounds(rounds.get()).map_err(KeyError::Rounds)?;
            (
                Kind::Passphrase,
                Some(rounds.get()),
                from_passphrase(words, &salt, rounds)?,
            )
        }
        Protection::Machine => (Kind::Machine, None, from_machine(folder, &salt)?),
    };
    let mut sealed = key.now.as_bytes().to_vec();
    let associated = associated(protection, rounds, &salt);
    let tag = Aead::gcm(&outer).seal(&nonce, &associated, &mut sealed)?;
    sealed.extend(tag);
    let store = Store {
        format: FORMAT,
        protection,
        rounds,
        salt: hex::digits(&salt),
        nonce: hex::digits(&nonce),
        key: hex::digits(&sealed),
        before: key
            .before
            .as_ref()
            .map(|before| seal_before(&key.now, before))
            .transpose()?,
    };
    put(lock, folder, &store)
}

fn put(lock: &Lock, folder: &Path, store: &Store) -> Result<(), KeyError> {
    let mut bytes =
        serde_json::to_vec_pretty(store).map_err(|error| KeyError::Header(error.to_string()))?;
    bytes.push(b'\n');
    disk::write(lock, folder, STORE, &bytes)
}

/// Takes the key before out of the file: all keys are sealed under the one of now.
pub(super) fn forget_before(lock: &Lock, folder: &Path) -> Result<(), KeyError> {
    let mut store = parse(folder, &read(folder)?)?;
    if store.protection == Kind::Passphrase {
        erase_machine_key(lock, folder)?;
    }
    store.before = None;
    put(lock, folder, &store)
}

fn seal_before(now: &sm4::Key, before: &sm4::Key) -> Result<String, KeyError> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let mut sealed = Zeroizing::new(before.as_bytes().to_vec());
    let tag = Aead::gcm(now).seal(&nonce, BEFORE, &mut sealed)?;
    Ok(hex::digits(&[&nonce[..], &sealed, &tag].concat()))
}

/// The key before; none where it is not one that this key has sealed.
fn open_before(now: &sm4::Key, digits: &str) -> Option<sm4::Key> {
    let bytes: [u8; NONCE + 16 + TAG] = hex::array(digits)?;
    let (nonce, rest) = bytes.split_at(NONCE);
    let (key, tag) = rest.split_at(16);
    let mut key = Zeroizing::new(key.to_vec());
    let opened = Aead::gcm(now).open(nonce, BEFORE, &mut key, tag.try_into().ok()?);
    opened.ok()?;
    sm4::Key::from_bytes(&key).ok()
}

/// The key of the store whose file has these bytes.
pub(super) fn unlock(
    folder: &Path,
    bytes: &[u8],
    passphrases: &dyn Passphrases,
    refused: &Refused,
) -> Result<StoreKey, KeyError> {
    let path = folder.join(STORE);
    let store = parse(folder, bytes)?;
    let bad = |what: &str| disk::damaged(&path, format!("its {what} has not the right form"));
    let salt: [u8; SALT] = hex::array(&store.salt).ok_or_else(|| bad("salt"))?;
    let nonce: [u8; NONCE] = hex::array(&store.nonce).ok_or_else(|| bad("nonce"))?;
    let sealed: [u8; 16 + TAG] = hex::array(&store.key).ok_or_else(|| bad("key"))?;
    let mut attempt = None;
    let outer = match (store.protection, store.rounds) {
        (Kind::Passphrase, Some(rounds)) => {
            let rounds = check_rounds(rounds).map_err(|reason| disk::damaged(&path, reason))?;
            let words = passphrases.passphrase(folder)?;
            let digest = refused.digest(bytes, &words);
            if refused.knows(digest) {
                return Err(KeyError::WrongPassphrase(folder.to_owned()));
            }
            attempt = digest;
            from_passphrase(&words, &salt, rounds)?
        }
        (Kind::Machine, None) => from_machine(folder, &salt)?,
        _ => return Err(bad("number of rounds")),
    };
    let (key, tag) = sealed.split_at(16);
    let mut key = Zeroizing::new(key.to_vec());
    let tag: [u8; TAG] = tag.try_into().map_err(|_| bad("key"))?;
    let associated = associated(store.protection, store.rounds, &salt);
    match Aead::gcm(&outer).open(&nonce, &associated, &mut key, &tag) {
        Ok(()) => {
            let now = sm4::Key::from_bytes(&key)?;
            let before = match &store.before {
                Some(digits) => Some(open_before(&now, digits).ok_or_else(|| bad("before"))?),
                None => None,
            };
            Ok(StoreKey { now, before })
        }
        Err(_) => Err(match store.protection {
            Kind::Passphrase => {
                refused.remember(attempt);
                KeyError::WrongPassphrase(folder.to_owned())
            }
            Kind::Machine => KeyError::OtherMachine(folder.to_owned()),
        }),
    }
}

fn parse(folder: &Path, bytes: &[u8]) -> Result<Store, KeyError> {
    let path = folder.join(STORE);
    let store: Store =
        serde_json::from_slice(bytes).map_err(|error| disk::damaged(&path, error))?;
    match store.format {
        FORMAT => Ok(store),
        other => Err(disk::damaged(
            &path,
            format!(
                "its layout is version {other}, and this weihe knows version {FORMAT}: it takes a newer one"
            ),
        )),
    }
}

fn check_rounds(rounds: u32) -> Result<NonZeroU32, String> {
    NonZeroU32::new(rounds)
        .filter(|_| (FEWEST_ROUNDS..=MOST_ROUNDS).contains(&rounds))
        .ok_or_else(|| {
            format!("{rounds} rounds of PBKDF2: at least {FEWEST_ROUNDS}, at most {MOST_ROUNDS}")
        })
}

/// What is bound to the sealed key, so that nothing in the file can be altered unnoticed.
fn associated(protection: Kind, rounds: Option<u32>, salt: &[u8]) -> Vec<u8> {
    let mut bytes = b"weihe key store 1".to_vec();
    bytes.push(protection as u8);
    bytes.extend(rounds.unwrap_or(0).to_be_bytes());
    bytes.extend(salt);
    bytes
}

/// PBKDF2 (RFC 8018, 5.2; GM/T 0091-2020) with HMAC-SM3.
fn from_passphrase(
    words: &Passphrase,
    salt: &[u8],
    rounds: NonZeroU32,
) -> Result<sm4::Key, KeyError> {
    let key = sm3::pbkdf2(words.as_bytes(), salt, rounds, 16)?;
    Ok(sm4::Key::from_bytes(&key)?)
}

/// What the machine gives: the key file, mixed with its identity, so that neither alone is enough.
fn from_machine(folder: &Path, salt: &[u8]) -> Result<sm4::Key, KeyError> {
    let path = folder.join(MACHINE_KEY);
    let key = disk::read(&path, 2 * MACHINE_KEY_LENGTH as u64)?;
    if key.len() != MACHINE_KEY_LENGTH {
        return Err(disk::damaged(
            &path,
            format!("it has to have {MACHINE_KEY_LENGTH} bytes"),
        ));
    }
    let id = Path::new(MACHINE_ID);
    let id = fs::read(id).map_err(disk::fault("cannot read", id))?;
    let mut mac = Hmac::new(&key);
    mac.update(b"weihe key store 1 machine");
    mac.update(salt);
    mac.update(id.trim_ascii());
    let bytes = Zeroizing::new(mac.finish());
    Ok(sm4::Key::from_bytes(&bytes[..16])?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Made with OpenSSL 3: `openssl kdf -keylen 16 -kdfopt digest:SM3 -kdfopt pass:... -kdfopt iter:2048 PBKDF2`.
    #[test]
    fn a_passphrase_gives_the_key_that_openssl_derives() {
        let words = Passphrase::new("correct horse").unwrap();
        let salt: Vec<u8> = (0..16).collect();
        let key = from_passphrase(&words, &salt, NonZeroU32::new(2048).unwrap()).unwrap();
        assert_eq!(
            hex::digits(key.as_bytes()),
            "5dddef0fbbca6a13aba6fed5f30ff405"
        );
    }
}
