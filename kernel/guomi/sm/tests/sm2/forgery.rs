//! A signature that anybody can make from the public key alone, and that the crate `sm-crypto` takes: a
//! regression test for our own verifier (docs/decisions/0002 and 0050).

use sm2::{FieldBytes, ProjectivePoint, Scalar, elliptic_curve::ops::Reduce};
use weihe_sm::{
    Error,
    sm2::{DEFAULT_ID, PrivateKey, PublicKey, Signature},
    sm3,
};

use crate::{common::digits, signatures::der};

/// A signature of `message`, made without the private key.
///
/// The verifier of sm-crypto takes an s of any length. It counts all of s in t = r + s, but multiplies the base
/// point by the lowest 256 bits of s only. So these bits and t are chosen first, which fixes x and with it r; then
/// the bits above make r + s come out as t modulo n.
fn forge(public: &PublicKey, message: &[u8]) -> ([u8; 32], [u8; 64]) {
    let point = sm2::PublicKey::from_sec1_bytes(&public.to_sec1()).unwrap();
    let (low, t) = (Scalar::from(0x5eedu64), Scalar::from(0xbadu64));
    let sum = ProjectivePoint::GENERATOR * low + ProjectivePoint::from(*point.as_affine()) * t;
    let x = FieldBytes::from(<[u8; 32]>::try_from(&affine(&sum)[..32]).unwrap());
    let r = digest(public, message) + Scalar::reduce(&x);
    // 2^256 modulo n.
    let half = {
        let mut bytes = [0; 32];
        bytes[15] = 1;
        Scalar::reduce(&FieldBytes::from(bytes))
    };
    let high = (t - r - low) * (half * half).invert().unwrap();
    let mut s = [0; 64];
    s[..32].copy_from_slice(&high.to_bytes());
    s[32..].copy_from_slice(&low.to_bytes());
    (r.to_bytes().into(), s)
}

pub fn affine(point: &ProjectivePoint) -> [u8; 64] {
    use sm2::elliptic_curve::sec1::ToSec1Point;
    let bytes = point.to_affine().to_sec1_point(false);
    bytes.as_bytes()[1..].try_into().unwrap()
}

/// e, from the standard's own formula: SM3 of Z and the message (GB/T 32918.2-2016, 5.5 and 6.1).
fn digest(public: &PublicKey, message: &[u8]) -> Scalar {
    let curve = "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFC
                 28E9FA9E 9D9F5E34 4D5A9E4B CF6509A7 F39789F5 15AB8F92 DDBCBD41 4D940E93
                 32C4AE2C 1F198119 5F990446 6A39C994 8FE30BBF F2660BE1 715A4589 334C74C7
                 BC3736A2 F4F6779C 59BDCEE3 6B692153 D0A9877C C62A4740 02DF32E5 2139F0A0";
    let curve = crate::common::hex(curve);
    let z = sm3::digest(&[&[0, 128], DEFAULT_ID, &curve, &public.to_sec1()[1..]].concat());
    Scalar::reduce(&FieldBytes::from(sm3::digest(&[&z, message].concat())))
}

#[test]
fn the_forgery_that_sm_crypto_takes_is_refused() {
    // Of this key only the public half is used below.
    let public = PrivateKey::generate().unwrap().public_key();
    let message = b"open all valves";
    let (r, s) = forge(&public, message);
    let forged = der(&r, &s);

    let point = digits(&public.to_sec1()[1..]);
    let theirs = sm_crypto::sm2::Verify::new(&point);
    assert!(
        theirs.verify_der(message, &forged, true),
        "the forgery has lost its sting: sm-crypto refuses it"
    );
    assert_eq!(Signature::from_der(&forged), Err(Error::SignatureForm));

    // Nor does what could be left of it pass: its lowest 256 bits, its highest, and s modulo n.
    let (high, low) = s.split_at(32);
    for part in [low, high] {
        let signature = Signature::from_bytes(&[&r[..], part].concat()).unwrap();
        let refused = public.verify(DEFAULT_ID, message, &signature);
        assert_eq!(refused, Err(Error::Signature));
    }
    let reduced = Scalar::from(0xbadu64) - Scalar::reduce(&FieldBytes::from(r));
    let signature = Signature::from_bytes(&[r, reduced.to_bytes().into()].concat()).unwrap();
    let refused = public.verify(DEFAULT_ID, message, &signature);
    assert_eq!(refused, Err(Error::Signature));
}

#[test]
fn without_the_overlong_s_sm_crypto_refuses_too() {
    // What makes the forgery is the length of s alone.
    let public = PrivateKey::generate().unwrap().public_key();
    let (r, s) = forge(&public, b"open all valves");
    let point = digits(&public.to_sec1()[1..]);
    let theirs = sm_crypto::sm2::Verify::new(&point);
    assert!(!theirs.verify_der(b"open all valves", &der(&r, &s[32..]), true));
}
