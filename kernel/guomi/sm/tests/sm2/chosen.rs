//! Signatures whose r and s were chosen first: for nearly every pair there is a digest that makes it valid. So the
//! edges of what is a signature are tried from both sides: what is valid there has to be taken too.

use sm2::{FieldBytes, ProjectivePoint, Scalar, elliptic_curve::ops::Reduce};
use weihe_sm::{
    Error,
    sm2::{PrivateKey, PublicKey, Signature},
};

use crate::{
    common::{N, hex, plus},
    forgery::affine,
};

fn scalar(bytes: &[u8]) -> Scalar {
    Scalar::reduce(&FieldBytes::from(<[u8; 32]>::try_from(bytes).unwrap()))
}

/// e = r - x of s G + (r + s) P, which GB/T 32918.2-2016, 7.1, B7 compares with.
fn digest(public: &PublicKey, r: Scalar, s: Scalar) -> [u8; 32] {
    let point = sm2::PublicKey::from_sec1_bytes(&public.to_sec1()).unwrap();
    let point = ProjectivePoint::from(*point.as_affine());
    let sum = ProjectivePoint::GENERATOR * s + point * (r + s);
    (r - scalar(&affine(&sum)[..32])).to_bytes().into()
}

fn number(value: i64) -> [u8; 32] {
    match value {
        0.. => plus(&[0; 32], value),
        _ => plus(&hex(N), value),
    }
}

#[test]
fn every_edge_of_r_and_s_is_taken_where_it_is_valid() {
    let public = PrivateKey::generate().unwrap().public_key();
    let half = hex("7FFFFFFF 7FFFFFFF FFFFFFFF FFFFFFFF B901EFB5 90E30295 A9DDFA04 9CEAA091");
    let small = [number(1), number(2), number(0x80), number(0x1_0000_0000)];
    let large = [
        number(-1),
        number(-2),
        plus(&half, 0),
        plus(&half, 1),
        plus(&hex(&"0F".repeat(32)), 0),
        plus(&[&[0; 16][..], &[0xff; 16]].concat(), 0),
    ];
    let all = [&small[..], &large].concat();
    for r in &all {
        for s in &all {
            let (one, two) = (scalar(r), scalar(s));
            let signature = Signature::from_bytes(&[*r, *s].concat()).unwrap();
            if bool::from((one + two).is_zero()) {
                // Without t, who signs needs no key (7.1, B5).
                let e = digest(&public, one, two);
                let refused = public.verify_digest(&e, &signature);
                assert_eq!(refused, Err(Error::Signature), "{r:02x?} {s:02x?}");
                continue;
            }
            let e = digest(&public, one, two);
            public.verify_digest(&e, &signature).unwrap();
            let read = Signature::from_der(&signature.to_der()).unwrap();
            public.verify_digest(&e, &read).unwrap();
            let refused = public.verify_digest(&plus(&e, 1), &signature);
            assert_eq!(refused, Err(Error::Signature));
        }
    }
}

/// A digest may be n or more: it is taken modulo n (7.1, B7).
#[test]
fn a_digest_counts_modulo_n() {
    let key = PrivateKey::generate().unwrap();
    for digest in [[0; 32], plus(&hex(N), 0), plus(&hex(N), 1), [0xff; 32]] {
        let signature = key.sign_digest(&digest).unwrap();
        let public = key.public_key();
        public.verify_digest(&digest, &signature).unwrap();
        // The same number, written with n more or less.
        let same: [u8; 32] = scalar(&digest).to_bytes().into();
        public.verify_digest(&same, &signature).unwrap();
        let refused = public.verify_digest(&plus(&digest, 1), &signature);
        assert_eq!(refused, Err(Error::Signature));
    }
}

/// s G + t P may be the point at infinity, which has no x. Only who has the key finds such an r and s; a verifier must
/// not take the missing x for 0 all the same.
#[test]
fn a_signature_that_leads_to_infinity_is_refused() {
    let key = PrivateKey::generate().unwrap();
    let d = scalar(&key.to_bytes()[..]);
    for t in [Scalar::ONE, Scalar::from(0xbadu64), -Scalar::ONE] {
        let s = -(t * d);
        let r = t - s;
        let bytes = [<[u8; 32]>::from(r.to_bytes()), s.to_bytes().into()].concat();
        let signature = Signature::from_bytes(&bytes).unwrap();
        // With x taken for 0, r would be the digest.
        for digest in [r.to_bytes().into(), [0; 32]] {
            let refused = key.public_key().verify_digest(&digest, &signature);
            assert_eq!(refused, Err(Error::Signature));
        }
    }
}

/// r and s are numbers below n: the same with n more are others, and would let one signature be written in two ways.
#[test]
fn a_number_with_n_added_is_not_the_same_number() {
    let public = PrivateKey::generate().unwrap().public_key();
    for (r, s) in [(1, 2), (2, 1), (1, 1)] {
        let (one, two) = (Scalar::from(r as u64), Scalar::from(s as u64));
        let e = digest(&public, one, two);
        let right = [number(r), number(s)].concat();
        let right = Signature::from_bytes(&right).unwrap();
        public.verify_digest(&e, &right).unwrap();
        for (r, s) in [(plus(&hex(N), r), number(s)), (number(r), plus(&hex(N), s))] {
            let bytes = [r, s].concat();
            assert_eq!(Signature::from_bytes(&bytes), Err(Error::SignatureForm));
            let der = crate::signatures::der(&r, &s);
            assert_eq!(Signature::from_der(&der), Err(Error::SignatureForm));
        }
    }
}
