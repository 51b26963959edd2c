//! What guests import: `weihe:guomi`, over a [`Session`]. One interface a file.
//!
//! Nothing here decides: arguments and results are carried between the component's types and the session's. Lengths
//! are checked before anything is done with what has them.

mod aead;
mod cipher;
mod decrypter;
mod digest;
mod encrypter;
mod key_agreement;
mod keys;
mod mac;
mod public;
mod random;
mod signer;
mod verifier;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use weihe_kernel::GuestState;

use crate::error::{Failure, GuomiError, within};
use crate::limits::{DATA_BYTES, ID_BYTES};
use crate::session::Session;

use bindings::weihe::guomi::types as wit;

mod bindings {
    #![allow(missing_docs)]

    wasmtime::component::bindgen!({
        path: ["../../wit/guomi"],
        world: "weihe:guomi/imports",
        imports: {
            "weihe:guomi/signer.[method]signer.public-key": trappable,
            "weihe:guomi/verifier.[method]verifier.public-key": trappable,
            "weihe:guomi/key-agreement.[method]initiator.point": trappable,
            "weihe:guomi/keys.[drop]secret": trappable,
            "weihe:guomi/digest.[drop]hasher": trappable,
            "weihe:guomi/mac.[drop]hasher": trappable,
            "weihe:guomi/cipher.[drop]stream": trappable,
            "weihe:guomi/aead.[drop]sealing": trappable,
            "weihe:guomi/signer.[drop]signer": trappable,
            "weihe:guomi/verifier.[drop]verifier": trappable,
            "weihe:guomi/encrypter.[drop]encrypter": trappable,
            "weihe:guomi/decrypter.[drop]decrypter": trappable,
            "weihe:guomi/key-agreement.[drop]initiator": trappable,
            "weihe:guomi/key-agreement.[drop]responder": trappable,
            default: async | trappable,
        },
        trappable_error_type: {
            "weihe:guomi/types.error" => crate::error::Failure,
        },
        with: {
            "weihe:guomi/keys.secret": crate::guest::keys::OpenSecret,
            "weihe:guomi/digest.hasher": crate::guest::digest::OpenDigest,
            "weihe:guomi/mac.hasher": crate::guest::mac::OpenMac,
            "weihe:guomi/cipher.stream": crate::guest::cipher::OpenStream,
            "weihe:guomi/aead.sealing": crate::guest::aead::OpenSealing,
            "weihe:guomi/signer.signer": crate::guest::signer::OpenSigner,
            "weihe:guomi/verifier.verifier": crate::guest::public::OpenPublic,
            "weihe:guomi/encrypter.encrypter": crate::guest::encrypter::OpenEncrypter,
            "weihe:guomi/decrypter.decrypter": crate::guest::decrypter::OpenDecrypter,
            "weihe:guomi/key-agreement.initiator": crate::guest::key_agreement::OpenInitiator,
            "weihe:guomi/key-agreement.responder": crate::guest::key_agreement::OpenResponder,
        },
        require_store_data_send: true,
    });
}

/// The interfaces that are served, as components import them.
pub const INTERFACES: [&str; 11] = [
    "weihe:guomi/keys@0.1.0",
    "weihe:guomi/digest@0.1.0",
    "weihe:guomi/mac@0.1.0",
    "weihe:guomi/cipher@0.1.0",
    "weihe:guomi/aead@0.1.0",
    "weihe:guomi/signer@0.1.0",
    "weihe:guomi/verifier@0.1.0",
    "weihe:guomi/encrypter@0.1.0",
    "weihe:guomi/decrypter@0.1.0",
    "weihe:guomi/key-agreement@0.1.0",
    "weihe:guomi/random@0.1.0",
];

/// What a function of a guest comes to.
type Outcome<T> = Result<T, Failure>;

/// Keys as one guest sees them.
struct View<'a>(&'a mut GuestState);

impl View<'_> {
    fn session(&mut self) -> Outcome<&Session> {
        let session = self.0.attachment::<Session>().map_err(Failure::Bug)?;
        Ok(session)
    }

    fn table(&mut self) -> &mut ResourceTable {
        self.0.table()
    }

    fn get<T: Send + 'static>(&mut self, handle: &Resource<T>) -> Outcome<&mut T> {
        self.0.table().get_mut(handle).map_err(Failure::handle)
    }

    fn push<T: Send + 'static>(&mut self, opened: T) -> Outcome<Resource<T>> {
        self.0.table().push(opened).map_err(Failure::handle)
    }

    fn close<T: Send + 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<()> {
        self.0.table().delete(handle)?;
        Ok(())
    }
}

struct HasKeys;

impl HasData for HasKeys {
    type Data<'a> = View<'a>;
}

/// Adds the functions to a linker.
pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    use bindings::weihe::guomi;
    type D = HasKeys;
    guomi::types::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::keys::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::digest::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::mac::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::cipher::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::aead::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::signer::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::verifier::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::encrypter::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::decrypter::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::key_agreement::add_to_linker::<_, D>(linker, |state| View(state))?;
    guomi::random::add_to_linker::<_, D>(linker, |state| View(state))
}

impl wit::Host for View<'_> {
    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<wit::Error> {
        let error = match failure {
            Failure::Told(error) => error,
            Failure::Bug(error) => return Err(error),
        };
        let text = error.to_string();
        Ok(match error {
            GuomiError::UnknownKey(_) => wit::Error::UnknownKey(text),
            GuomiError::NotGranted { key, reason } => {
                // A refusal is told to those who watch over grants.
                self.0.denied("guomi", &key, &reason);
                wit::Error::NotGranted(text)
            }
            GuomiError::WrongUse(_) => wit::Error::WrongUse(text),
            GuomiError::Malformed(_) => wit::Error::Malformed(text),
            GuomiError::Decrypt => wit::Error::DecryptFailed,
            GuomiError::TooLong { .. } => wit::Error::TooLong(text),
            GuomiError::Unavailable(_) => wit::Error::Unavailable(text),
            GuomiError::Busy(_) => wit::Error::Busy(text),
        })
    }
}

/// Whether data is within what one call may carry.
fn check_data(data: &[u8]) -> Result<(), GuomiError> {
    within("bytes of data", data.len() as u64, DATA_BYTES)
}

/// What a signer or a side of an agreement is called.
fn identity(id: Option<Vec<u8>>) -> Result<Vec<u8>, GuomiError> {
    let id = id.unwrap_or_else(|| weihe_sm::sm2::DEFAULT_ID.to_vec());
    within("bytes of an identity", id.len() as u64, ID_BYTES)?;
    Ok(id)
}

/// A digest that a guest has made.
fn digest_of(bytes: &[u8]) -> Result<[u8; 32], GuomiError> {
    let wrong = |_| GuomiError::Malformed(format!("a digest has 32 bytes, not {}", bytes.len()));
    bytes.try_into().map_err(wrong)
}

/// A handle that was used up: `finish` was called, or a call on it failed.
fn over() -> GuomiError {
    GuomiError::Malformed("this handle is finished".to_owned())
}
