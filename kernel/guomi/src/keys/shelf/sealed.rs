//! The file of one version of a key: how it is laid out, sealed and opened. Nothing here touches a disk.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `WEIHEKEY` |
//! | 2 | the version of this layout, 1; the high byte first, as in all numbers here |
//! | 4 | the length of the header |
//! | … | the header: [`Header`] in JSON |
//! | 12, 16, 16 | nonce, file key and tag: the file key in SM4-GCM under the key of the store, all before it associated |
//! | 12 | nonce |
//! | 4 | the length of the secret |
//! | …, 16 | secret and tag: the secret in SM4-GCM under the file key, all before it associated |

use serde::{Deserialize, Serialize};
use weihe_sm::{
    random,
    sm4::{self, Aead, NONCE, TAG},
};
use zeroize::Zeroizing;

use crate::keys::{Algorithm, KeyError, Uses};

const MAGIC: &[u8; 8] = b"WEIHEKEY";
const FORMAT: u16 = 1;
/// The longest header: certificates have a few hundred bytes, chains of RSA a few thousand.
const LONGEST_HEADER: usize = 256 * 1024;
/// The longest secret: the longest key of an HMAC has 256 bytes.
const LONGEST_SECRET: usize = 4096;
const FILE_KEY: usize = 16;

/// The longest file that can be one of a key.
pub(in crate::keys) const LONGEST: u64 = (LONGEST_HEADER + LONGEST_SECRET + 1024) as u64;

/// The key that files are sealed under.
#[derive(Clone)]
pub(in crate::keys) struct StoreKey {
    /// What seals.
    pub now: sm4::Key,
    /// What has sealed before, as long as there may be files that were not sealed anew.
    pub before: Option<sm4::Key>,
}

impl From<sm4::Key> for StoreKey {
    fn from(now: sm4::Key) -> Self {
        Self { now, before: None }
    }
}

/// What is readable of a key without opening it. It is bound to the secret: altering it makes the file unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub name: String,
    pub version: u32,
    /// See [`About::id`](crate::keys::About::id); files of before have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub algorithm: Algorithm,
    /// Seconds since 1970.
    pub created: u64,
    pub exportable: bool,
    pub uses: Uses,
    /// The public key as `04 x y` in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
    /// The certificate in DER, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Those of its issuers, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
}

/// Why bytes are not the file of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("it does not begin as the file of a key does")]
    Magic,
    #[error(
        "its layout is version {0}, and this weihe knows version {FORMAT}: it takes a newer one"
    )]
    Format(u16),
    #[error("it ends too early, or has bytes that do not belong to it")]
    Length,
    #[error("its header cannot be read: {0}")]
    Header(String),
    #[error("it was altered, or belongs to another key store")]
    Altered,
}

/// A file whose parts were found. Nothing of it is vouched for before [`Sealed::open`].
#[derive(Debug)]
pub(super) struct Sealed<'a> {
    pub header: Header,
    /// All before the wrapped file key.
    head: &'a [u8],
    wrapped: Part<'a>,
    /// All before the ciphertext.
    before: &'a [u8],
    text: Part<'a>,
}

/// A nonce, a ciphertext and its tag.
#[derive(Debug)]
struct Part<'a> {
    nonce: &'a [u8; NONCE],
    text: &'a [u8],
    tag: &'a [u8; TAG],
}

impl Part<'_> {
    fn open(&self, key: &sm4::Key, associated: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damage> {
        let mut text = Zeroizing::new(self.text.to_vec());
        Aead::gcm(key)
            .open(self.nonce, associated, &mut text, self.tag)
            .map_err(|_| Damage::Altered)?;
        Ok(text)
    }
}

/// Seals a secret for a store. Each call draws a new file key, so no nonce serves twice under one.
pub(super) fn seal(store: &sm4::Key, header: &Header, secret: &[u8]) -> Result<Vec<u8>, KeyError> {
    let text = serde_json::to_vec(header).map_err(|error| KeyError::Header(error.to_string()))?;
    if text.len() > LONGEST_HEADER {
        return Err(KeyError::Header(format!(
            "it would have {} bytes, and {LONGEST_HEADER} is the most: the certificate is too long",
            text.len()
        )));
    }
    let mut file = MAGIC.to_vec();
    file.extend(FORMAT.to_be_bytes());
    file.extend((text.len() as u32).to_be_bytes());
    file.extend(text);
    let key = sm4::Key::generate()?;
    add(&mut file, store, &key.as_bytes()[..], None)?;
    add(&mut file, &key, secret, Some(secret.len() as u32))?;
    Ok(file)
}

/// Adds a nonce, the length where it is not known beforehand, a ciphertext and its tag.
fn add(
    file: &mut Vec<u8>,
    key: &sm4::Key,
    secret: &[u8],
    length: Option<u32>,
) -> Result<(), KeyError> {
    let associated = file.len();
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let mut text = Zeroizing::new(secret.to_vec());
    let tag = Aead::gcm(key).seal(&nonce, &file[..associated], &mut text)?;
    file.extend(nonce);
    if let Some(length) = length {
        file.extend(length.to_be_bytes());
    }
    file.extend(&*text);
    file.extend(tag);
    Ok(())
}

impl<'a> Sealed<'a> {
    /// Finds the parts of a file, which have to be all of it.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Damage> {
        let mut rest = file;
        if take::<8>(&mut rest).ok_or(Damage::Magic)? != MAGIC {
            return Err(Damage::Magic);
        }
        let format = u16::from_be_bytes(*take(&mut rest).ok_or(Damage::Length)?);
        if format != FORMAT {
            return Err(Damage::Format(format));
        }
        let length = length(&mut rest, LONGEST_HEADER)?;
        let header = split(&mut rest, length)?;
        let header =
            serde_json::from_slice(header).map_err(|error| Damage::Header(error.to_string()))?;
        let head = &file[..file.len() - rest.len()];
        let nonce = take(&mut rest).ok_or(Damage::Length)?;
        let wrapped = part(nonce, &mut rest, FILE_KEY)?;
        let before = &file[..file.len() - rest.len()];
        let nonce = take(&mut rest).ok_or(Damage::Length)?;
        let secret = self::length(&mut rest, LONGEST_SECRET)?;
        let text = part(nonce, &mut rest, secret)?;
        if !rest.is_empty() {
            return Err(Damage::Length);
        }
        Ok(Self {
            header,
            head,
            wrapped,
            before,
            text,
        })
    }

    /// The secret. That it opens means that the header is the one that was sealed with it.
    pub(super) fn open(&self, store: &StoreKey) -> Result<Zeroizing<Vec<u8>>, Damage> {
        match (self.open_with(&store.now), &store.before) {
            (Err(_), Some(before)) => self.open_with(before),
            (opened, _) => opened,
        }
    }

    fn open_with(&self, store: &sm4::Key) -> Result<Zeroizing<Vec<u8>>, Damage> {
        let key = self.wrapped.open(store, self.head)?;
        let key = sm4::Key::from_bytes(&key).map_err(|_| Damage::Altered)?;
        self.text.open(&key, self.before)
    }
}

/// Why a key was not sealed anew.
pub(super) enum Resealing {
    Damage(Damage),
    Key(KeyError),
}

/// The file of a key, sealed under the key that the store has now; none where it is already.
pub(super) fn reseal(file: &[u8], store: &StoreKey) -> Result<Option<Vec<u8>>, Resealing> {
    let sealed = Sealed::parse(file).map_err(Resealing::Damage)?;
    if sealed.open_with(&store.now).is_ok() {
        return Ok(None);
    }
    let secret = sealed.open(store).map_err(Resealing::Damage)?;
    let resealed = seal(&store.now, &sealed.header, &secret);
    resealed.map(Some).map_err(Resealing::Key)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(first)
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damage> {
    let (first, others) = rest.split_at_checked(length).ok_or(Damage::Length)?;
    *rest = others;
    Ok(first)
}

fn length(rest: &mut &[u8], longest: usize) -> Result<usize, Damage> {
    let length = u32::from_be_bytes(*take(rest).ok_or(Damage::Length)?) as usize;
    match length <= longest {
        true => Ok(length),
        false => Err(Damage::Length),
    }
}

fn part<'a>(
    nonce: &'a [u8; NONCE],
    rest: &mut &'a [u8],
    length: usize,
) -> Result<Part<'a>, Damage> {
    let text = split(rest, length)?;
    let tag = take(rest).ok_or(Damage::Length)?;
    Ok(Part { nonce, text, tag })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::Use;

    fn header() -> Header {
        Header {
            name: "valve".to_owned(),
            version: 3,
            id: "07".to_owned(),
            algorithm: Algorithm::Sm4,
            created: 1_790_000_000,
            exportable: false,
            uses: [Use::Encrypt, Use::Decrypt].into(),
            public: None,
            certificate: None,
            issuers: Vec::new(),
        }
    }

    #[test]
    fn what_is_sealed_opens_under_its_store_only() {
        let store = sm4::Key::generate().unwrap();
        let file = seal(&store, &header(), b"sixteen bytes of").unwrap();
        assert!(!file.windows(7).any(|part| part == b"sixteen"));
        let sealed = Sealed::parse(&file).unwrap();
        assert_eq!(sealed.header, header());
        assert_eq!(&**sealed.open(&store.into()).unwrap(), b"sixteen bytes of");
        let other = sm4::Key::generate().unwrap();
        assert_eq!(sealed.open(&other.into()).unwrap_err(), Damage::Altered);
    }

    #[test]
    fn a_file_of_a_later_layout_is_said_to_be_that() {
        let mut file = seal(&sm4::Key::generate().unwrap(), &header(), b"secret").unwrap();
        file[9] = 2;
        assert_eq!(Sealed::parse(&file).unwrap_err(), Damage::Format(2));
    }

    proptest! {
        #[test]
        fn no_byte_can_be_altered_cut_off_or_added(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
            let store = sm4::Key::from_bytes(&[7; 16]).unwrap();
            let file = seal(&store, &header(), b"a secret").unwrap();
            let opens = |file: &[u8]| Sealed::parse(file).and_then(|sealed| sealed.open(&store.clone().into())).is_ok();
            prop_assert!(opens(&file));
            let at = at.index(file.len());
            let mut altered = file.clone();
            altered[at] ^= flip;
            prop_assert!(!opens(&altered));
            prop_assert!(!opens(&file[..at]));
            let mut longer = file.clone();
            longer.push(flip);
            prop_assert!(!opens(&longer));
        }

        #[test]
        fn whatever_bytes_there_are_nothing_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
            if head {
                let file = seal(&sm4::Key::from_bytes(&[7; 16]).unwrap(), &header(), b"a secret").unwrap();
                let kept = bytes.len().min(14);
                bytes[..kept].copy_from_slice(&file[..kept]);
            }
            let _ = Sealed::parse(&bytes);
        }
    }
}
