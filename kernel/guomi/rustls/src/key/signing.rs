use std::fmt::{self, Display};
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    sign::{self, Signer},
};
use weihe_sm::sm2::{PrivateKey, PublicKey, Signature};

use super::der;
use crate::{Error, code_point::SM2SIG_SM3, identity, verify::SM2_KEY};

/// A private key for SM2 that rustls signs handshakes with, here or elsewhere: in a key store, a card, an engine.
///
/// ```
/// use rustls_guomi::{SigningKey, identity};
/// use weihe_sm::sm2::PrivateKey;
///
/// // What stands for an engine: it has the key and gives out signatures only.
/// let engine = PrivateKey::generate()?;
/// let public_key = engine.public_key().to_sec1();
/// let key = SigningKey::elsewhere(&public_key, move |message: &[u8]| {
///     engine
///         .sign(identity::CERTIFICATE_VERIFY, message)
///         .map(|signature| signature.to_der())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    public: PublicKey,
    place: Place,
}

type Sign = dyn Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync;

#[derive(Clone)]
enum Place {
    Here(Arc<PrivateKey>),
    Elsewhere(Arc<Sign>),
}

impl SigningKey {
    /// The key in PKCS#8 or SEC 1.
    ///
    /// # Errors
    /// [`Error::PrivateKey`] where it is not one for SM2.
    pub fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        Ok(Self::from(der::private_key(der)?))
    }

    /// A key that stays where it is. `public_key` is its public part in SEC 1 form.
    ///
    /// `sign` signs the message that it is given with SM2 over SM3 under the identity
    /// [`CERTIFICATE_VERIFY`](identity::CERTIFICATE_VERIFY) (not the one of certificates), and returns the signature in
    /// DER. It is called on the thread that drives the handshake and blocks it. Its signatures are verified before they
    /// are sent, so an engine that uses another key or identity is found here, and not by the peer.
    ///
    /// # Errors
    /// [`Error::PublicKey`].
    pub fn elsewhere<F, E>(public_key: &[u8], sign: F) -> Result<Self, Error>
    where
        F: Fn(&[u8]) -> Result<Vec<u8>, E> + Send + Sync + 'static,
        E: Display,
    {
        Ok(Self {
            public: PublicKey::from_sec1(public_key).map_err(Error::PublicKey)?,
            place: Place::Elsewhere(Arc::new(move |message| {
                sign(message).map_err(|error| error.to_string())
            })),
        })
    }

    /// Signs a message of CertificateVerify, in DER.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        match &self.place {
            Place::Here(key) => key
                .sign(identity::CERTIFICATE_VERIFY, message)
                .map(|signature| signature.to_der())
                // With this identity and a key that was checked there is nothing else that can fail.
                .map_err(|_| rustls::Error::FailedToGetRandomBytes),
            Place::Elsewhere(sign) => {
                let signature = sign(message).map_err(|error| {
                    rustls::Error::General(format!("the key's engine did not sign: {error}"))
                })?;
                self.check(message, &signature).map_err(|error| {
                    rustls::Error::General(format!(
                        "the key's engine gave a signature that cannot be used: {error}; it has to \
                         be in DER, by the key of the certificate, under the identity \
                         TLSv1.3+GM+Cipher+Suite"
                    ))
                })?;
                Ok(signature)
            }
        }
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), weihe_sm::Error> {
        let signature = Signature::from_der(signature)?;
        self.public
            .verify(identity::CERTIFICATE_VERIFY, message, &signature)
    }
}

impl From<PrivateKey> for SigningKey {
    fn from(key: PrivateKey) -> Self {
        Self {
            public: key.public_key(),
            place: Place::Here(Arc::new(key)),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Here(_) => "here",
            Place::Elsewhere(_) => "elsewhere",
        };
        f.debug_struct("SigningKey")
            .field("public", &self.public)
            .field("place", &format_args!("{place}"))
            .finish()
    }
}

impl sign::SigningKey for SigningKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SM2SIG_SM3)
            .then(|| Box::new(Handshake(self.clone())) as _)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(sign::public_key_to_spki(&SM2_KEY, self.public.to_sec1()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        // TLS 1.2 asks for it, which nothing here speaks; SM2 has no number there.
        SignatureAlgorithm::Unknown(u8::MAX)
    }
}

/// Signs one handshake.
#[derive(Debug)]
struct Handshake(SigningKey);

impl Signer for Handshake {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.0.sign(message)
    }

    fn scheme(&self) -> SignatureScheme {
        SM2SIG_SM3
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rustls::sign::SigningKey as _;

    #[test]
    fn it_signs_with_sm2_and_nothing_else() {
        let key = SigningKey::from(PrivateKey::generate().unwrap());
        let standard = [SignatureScheme::ECDSA_NISTP256_SHA256];
        assert!(key.choose_scheme(&standard).is_none());
        let offered = [standard[0], SM2SIG_SM3];
        assert_eq!(key.choose_scheme(&offered).unwrap().scheme(), SM2SIG_SM3);
    }

    #[test]
    fn nothing_of_a_private_key_is_shown() {
        let private = PrivateKey::generate().unwrap();
        let digits: String = private
            .to_bytes()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let shown = format!("{:?}", SigningKey::from(private));
        assert!(!shown.contains(&digits[..8]), "{shown}");
    }

    #[test]
    fn an_engine_that_signs_wrongly_is_found_before_the_peer_finds_it() {
        let key = PrivateKey::generate().unwrap();
        let public = key.public_key().to_sec1();
        let said = |key: SigningKey| {
            let signer = key.choose_scheme(&[SM2SIG_SM3]).unwrap();
            signer.sign(b"text").unwrap_err().to_string()
        };
        let of_certificates = SigningKey::elsewhere(&public, move |message: &[u8]| {
            key.sign(identity::CERTIFICATE, message)
                .map(|signature| signature.to_der())
        });
        assert!(said(of_certificates.unwrap()).contains("TLSv1.3+GM+Cipher+Suite"));
        let short = SigningKey::elsewhere(&public, |_: &[u8]| Ok::<_, String>(vec![0x30]));
        assert!(said(short.unwrap()).contains("not an SM2 signature"));
        let locked = SigningKey::elsewhere(&public, |_: &[u8]| Err("the card is locked"));
        assert!(said(locked.unwrap()).contains("did not sign: the card is locked"));
        let no_point = SigningKey::elsewhere(&public[1..], |_: &[u8]| Err("never called"));
        assert!(matches!(no_point, Err(Error::PublicKey(_))));
    }
}
