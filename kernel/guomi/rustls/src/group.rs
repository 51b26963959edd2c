use rustls::{
    Error, NamedGroup, PeerMisbehaved, ProtocolVersion,
    crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup},
};
use weihe_sm::sm2::{PrivateKey, PublicKey};

use crate::code_point;

/// curveSM2 (RFC 8998, 2): ephemeral Diffie-Hellman on the curve of SM2.
pub static CURVE_SM2: &dyn SupportedKxGroup = &CurveSm2;

/// Bytes of a key share: the point in uncompressed form (RFC 8446, 4.2.8.2).
const SHARE: usize = 65;
/// The first byte of a point in uncompressed form.
const UNCOMPRESSED: u8 = 4;

#[derive(Debug)]
struct CurveSm2;

impl SupportedKxGroup for CurveSm2 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let key = PrivateKey::generate().map_err(|_| Error::FailedToGetRandomBytes)?;
        let share = key.public_key().to_sec1();
        Ok(Box::new(Exchange { key, share }))
    }

    fn name(&self) -> NamedGroup {
        code_point::CURVE_SM2
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// A key pair for one handshake; the private key is erased with it.
struct Exchange {
    key: PrivateKey,
    share: [u8; SHARE],
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        if peer.len() != SHARE || peer.first() != Some(&UNCOMPRESSED) {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let peer = PublicKey::from_sec1(peer).map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        // Copied once; both copies are erased when they are dropped.
        Ok(SharedSecret::from(&self.key.agree(&peer)[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        code_point::CURVE_SM2
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_one_secret_of_32_bytes() {
        let client = CURVE_SM2.start().unwrap();
        let server = CURVE_SM2.start_and_complete(client.pub_key()).unwrap();
        assert_eq!(client.pub_key().len(), SHARE);
        let secret = client.complete(&server.pub_key).unwrap();
        assert_eq!(secret.secret_bytes().len(), 32);
        assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
    }

    #[test]
    fn shares_that_are_no_point_in_uncompressed_form_are_the_peers_misbehaviour() {
        let good = CURVE_SM2.start().unwrap().pub_key().to_vec();
        let mut off_the_curve = good.clone();
        off_the_curve[64] ^= 1;
        let mut compressed = good[..33].to_vec();
        compressed[0] = 2 | good[64] & 1;
        let mut hybrid = good.clone();
        hybrid[0] = 6 | good[64] & 1;
        let mut long = good.clone();
        long.push(0);
        let mut beyond_the_field = vec![0xff; SHARE];
        beyond_the_field[0] = UNCOMPRESSED;
        let bad = [
            vec![],
            vec![0],
            vec![0; SHARE],
            good[..64].to_vec(),
            off_the_curve,
            compressed,
            hybrid,
            long,
            beyond_the_field,
        ];
        for share in bad {
            let error = CURVE_SM2.start().unwrap().complete(&share).err();
            assert_eq!(error, Some(PeerMisbehaved::InvalidKeyShare.into()));
        }
    }
}
