use std::sync::Arc;

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use rustls::{RootCertStore, sign::CertifiedKey};
use zeroize::{Zeroize, Zeroizing};

use super::SigningKey;
use crate::Error;

/// A chain of certificates, the one of `key` first, with its key.
///
/// # Errors
/// [`Error::Certificate`] where there is none, it cannot be parsed, or it is of another key.
pub fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: SigningKey,
) -> Result<Arc<CertifiedKey>, Error> {
    let certified = CertifiedKey::new(chain, Arc::new(key));
    certified.keys_match().map_err(Error::Certificate)?;
    Ok(Arc::new(certified))
}

/// A chain of certificates and the key of the first one, each in PEM; the key in PKCS#8 or SEC 1, not encrypted.
///
/// # Errors
/// [`Error::Pem`], [`Error::PrivateKey`], [`Error::Certificate`].
pub fn certified_key_from_pem(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, Error> {
    let chain = certificates("a certificate", chain)?;
    let mut der = PrivateKeyDer::from_pem_slice(&labelled(key))
        .map_err(|error| refused("a private key that is not encrypted", error))?;
    let key = SigningKey::from_der(&der);
    der.zeroize();
    certified_key(chain, key?)
}

/// The certificates in `roots`, in PEM, to be trusted.
///
/// # Errors
/// [`Error::Pem`], [`Error::Root`].
pub fn roots_from_pem(roots: &[u8]) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for root in certificates("a root certificate", roots)? {
        store.add(root).map_err(Error::Root)?;
    }
    Ok(store)
}

fn certificates(what: &'static str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| refused(what, error))?;
    if found.is_empty() {
        return Err(refused(what, pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// The label under which OpenSSL writes SEC 1 where the key is one for SM2.
const SM2_LABEL: &[u8] = b" SM2 PRIVATE KEY-----";
/// The label that SEC 1 has everywhere else (RFC 5915, 4).
const EC_LABEL: &[u8] = b" EC PRIVATE KEY-----";

/// PEM with the label that is known for SEC 1.
fn labelled(mut text: &[u8]) -> Zeroizing<Vec<u8>> {
    // Large enough from the start: a vector that grows would leave copies of the key behind.
    let mut known = Zeroizing::new(Vec::with_capacity(text.len()));
    while let Some((first, rest)) = text.split_first() {
        match text.strip_prefix(SM2_LABEL) {
            Some(rest) => {
                known.extend_from_slice(EC_LABEL);
                text = rest;
            }
            None => {
                known.push(*first);
                text = rest;
            }
        }
    }
    known
}

fn refused(what: &'static str, error: pem::Error) -> Error {
    let reason = match error {
        pem::Error::NoItemsFound => "there is none in this PEM".to_owned(),
        // Its text would quote the line that is wrong, which may be of a key.
        pem::Error::IllegalSectionStart { .. } | pem::Error::Base64Decode(_) => {
            "this PEM cannot be read".to_owned()
        }
        error => error.to_string(),
    };
    Error::Pem { what, reason }
}
