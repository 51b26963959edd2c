use proptest::prelude::*;
use weihe_sm::{
    Error,
    sm2::{DEFAULT_ID, PrivateKey, Signature},
};

use crate::common::{N, hex, plus};

fn one() -> [u8; 32] {
    plus(&[0; 32], 1)
}

/// r and s as they stand in DER, whatever they are.
pub fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros.min(number.len() - 1)..];
        let sign = (number[0] >= 0x80).then_some(0);
        let bytes: Vec<u8> = sign.into_iter().chain(number.iter().copied()).collect();
        [&[2, bytes.len() as u8][..], &bytes].concat()
    };
    let body = [integer(r), integer(s)].concat();
    match body.len() {
        length @ ..128 => [&[0x30, length as u8][..], &body].concat(),
        length => [&[0x30, 0x81, length as u8][..], &body].concat(),
    }
}

#[test]
fn r_and_s_have_to_lie_between_1_and_n_minus_1() {
    let n: [u8; 32] = hex(N).try_into().unwrap();
    let bad = [[0; 32], n, plus(&n, 1), [0xff; 32]];
    let good = [one(), plus(&n, -1)];
    for bad in bad {
        for good in good {
            for (r, s) in [(bad, good), (good, bad), (bad, bad)] {
                let bytes = [r, s].concat();
                assert_eq!(Signature::from_bytes(&bytes), Err(Error::SignatureForm));
                let refused = Signature::from_der(&der(&r, &s));
                assert_eq!(refused, Err(Error::SignatureForm));
            }
        }
    }
    // A form that can be read is not yet a signature of anything; r + s = n is none in any case (7.1, B5).
    let public = PrivateKey::generate().unwrap().public_key();
    for (r, s) in [
        (good[0], good[0]),
        (good[0], good[1]),
        (good[1], good[0]),
        (good[1], good[1]),
    ] {
        let signature = Signature::from_bytes(&[r, s].concat()).unwrap();
        assert_eq!(signature, Signature::from_der(&der(&r, &s)).unwrap());
        let refused = public.verify(DEFAULT_ID, b"open", &signature);
        assert_eq!(refused, Err(Error::Signature));
        let refused = public.verify_digest(&[0; 32], &signature);
        assert_eq!(refused, Err(Error::Signature));
    }
}

#[test]
fn only_the_one_form_of_der_is_taken() {
    // r with its highest bit set, s short.
    let (r, s) = (plus(&hex(N), -2), one());
    let right = der(&r, &s);
    let signature = Signature::from_der(&right).unwrap();
    assert_eq!(signature.to_der(), right);
    let length = right.len();

    for end in 0..length {
        assert!(Signature::from_der(&right[..end]).is_err(), "cut at {end}");
    }
    let refused = |why: &str, bytes: Vec<u8>| {
        let error = Signature::from_der(&bytes).err();
        assert_eq!(error, Some(Error::SignatureForm), "{why}: {bytes:02x?}");
    };
    let body = &right[2..];
    refused("a byte after it", [&right[..], &[0]].concat());
    let mut inside = [&right[..], &[0]].concat();
    inside[1] += 1;
    refused("a byte after s", inside);
    refused(
        "a third number",
        [&[0x30, right[1] + 3][..], body, &[2, 1, 1]].concat(),
    );
    refused(
        "a long length",
        [&[0x30, 0x81, right[1]][..], body].concat(),
    );
    refused(
        "an open length",
        [&[0x30, 0x80][..], body, &[0, 0]].concat(),
    );
    refused("no sequence", [&[0x31, right[1]][..], body].concat());
    let numbers = |r: &[u8], s: &[u8]| {
        let body = [&[2, r.len() as u8][..], r, &[2, s.len() as u8], s].concat();
        [&[0x30, body.len() as u8][..], &body].concat()
    };
    refused("a zero before", numbers(&[0, 1], &[1]));
    refused("a negative r", numbers(&r, &[1]));
    refused("a negative s", numbers(&[1], &[0x81]));
    refused("an empty r", numbers(&[], &[1]));
    refused(
        "33 bytes of number",
        numbers(&[&[1][..], &r].concat(), &[1]),
    );
    refused("a bit string", {
        let mut bytes = right.clone();
        bytes[2] = 3;
        bytes
    });
    refused("nothing", vec![]);
    refused(
        "a length that is not there",
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
    );
}

#[test]
fn a_signature_is_of_one_message_one_key_and_one_identity() {
    let key = PrivateKey::generate().unwrap();
    let public = key.public_key();
    let signature = key.sign(DEFAULT_ID, b"open").unwrap();
    public.verify(DEFAULT_ID, b"open", &signature).unwrap();
    let other = PrivateKey::generate().unwrap().public_key();
    for refused in [
        public.verify(DEFAULT_ID, b"shut", &signature),
        public.verify(b"someone", b"open", &signature),
        public.verify(b"", b"open", &signature),
        other.verify(DEFAULT_ID, b"open", &signature),
    ] {
        assert_eq!(refused, Err(Error::Signature));
    }
}

#[test]
fn an_identity_is_any_bytes_up_to_8191_of_them() {
    let key = PrivateKey::generate().unwrap();
    for id in [&[][..], &[0], &[0xff, 0xfe, 0], &[0x80; 8191]] {
        let signature = key.sign(id, b"open").unwrap();
        key.public_key().verify(id, b"open", &signature).unwrap();
    }
    let refused = key.sign(&[0; 8192], b"open");
    assert_eq!(refused, Err(Error::Identity(8192)));
    let signature = key.sign(b"", b"open").unwrap();
    let refused = key.public_key().verify(&[0; 8192], b"open", &signature);
    assert_eq!(refused, Err(Error::Identity(8192)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_message_is_signed_and_no_changed_bit_is_verified(
        number in prop::array::uniform32(1u8..),
        id in prop::collection::vec(any::<u8>(), 0..64),
        message in prop::collection::vec(any::<u8>(), 0..512),
        bit in 0usize..512,
    ) {
        let Ok(key) = PrivateKey::from_bytes(&number) else { return Ok(()) };
        let signature = key.sign(&id, &message).unwrap();
        let public = key.public_key();
        public.verify(&id, &message, &signature).unwrap();
        prop_assert_eq!(Signature::from_der(&signature.to_der()), Ok(signature));
        let mut bytes = signature.to_bytes();
        prop_assert_eq!(Signature::from_bytes(&bytes), Ok(signature));
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = Signature::from_bytes(&bytes) {
            prop_assert_eq!(public.verify(&id, &message, &changed), Err(Error::Signature));
        }
    }

    #[test]
    fn what_is_read_as_a_signature_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(signature) = Signature::from_der(&bytes) {
            prop_assert_eq!(signature.to_der(), bytes);
        }
    }
}
