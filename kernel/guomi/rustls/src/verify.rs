use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use weihe_sm::sm2::{PublicKey, Signature};

use crate::{code_point::SM2SIG_SM3, identity};

// Contents of AlgorithmIdentifiers, without the SEQUENCE around them: that is how webpki compares them.

/// id-ecPublicKey (1.2.840.10045.2.1) with the curve of SM2 (1.2.156.10197.1.301), as GM/T 0015-2012 has it.
pub(crate) const SM2_KEY: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d, // the curve
]);
/// SM2 with SM3 (1.2.156.10197.1.501), without parameters.
const SM2_SM3: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75, // the signature
]);
/// The same with parameters that are NULL, as some authorities write it.
const SM2_SM3_NULL: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75, // the signature
    0x05, 0x00, // NULL
]);

/// What certificates and handshakes are verified with. The two are signed under different identities.
pub(crate) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        &Sm2 {
            id: identity::CERTIFICATE,
            signature: SM2_SM3,
        },
        &Sm2 {
            id: identity::CERTIFICATE,
            signature: SM2_SM3_NULL,
        },
    ],
    mapping: &[(
        SM2SIG_SM3,
        &[&Sm2 {
            id: identity::CERTIFICATE_VERIFY,
            signature: SM2_SM3,
        }],
    )],
};

/// SM2 signatures over SM3 under one identity.
#[derive(Debug)]
struct Sm2 {
    id: &'static [u8],
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Sm2 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = PublicKey::from_sec1(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(self.id, message, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        SM2_KEY
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use weihe_sm::sm2::PrivateKey;

    #[test]
    fn the_identities_of_certificates_and_handshakes_are_kept_apart() {
        let key = PrivateKey::generate().unwrap();
        let public = key.public_key().to_sec1();
        let [certificate, certificate_null] = ALGORITHMS.all else {
            unreachable!("two forms of one algorithm")
        };
        let handshake = ALGORITHMS.mapping[0].1[0];
        let signed = |id| key.sign(id, b"text").unwrap().to_der();
        let (by_certificate, by_handshake) = (
            signed(identity::CERTIFICATE),
            signed(identity::CERTIFICATE_VERIFY),
        );
        let verifies = |algorithm: &dyn SignatureVerificationAlgorithm, signature: &[u8]| {
            algorithm
                .verify_signature(&public, b"text", signature)
                .is_ok()
        };
        assert!(verifies(*certificate, &by_certificate));
        assert!(verifies(*certificate_null, &by_certificate));
        assert!(!verifies(*certificate, &by_handshake));
        assert!(verifies(handshake, &by_handshake));
        assert!(!verifies(handshake, &by_certificate));
        assert!(!verifies(handshake, b""));
        assert!(!verifies(handshake, &by_handshake[1..]));
    }
}
