//! Ciphertexts written by hand, from a known number k: those that are right in an unusual way are decrypted, and all
//! others are one error.

use sm2::{ProjectivePoint, Scalar};
use weihe_sm::{
    Error,
    sm2::{Layout, PrivateKey, PublicKey},
    sm3::{Sm3, kdf},
};

use crate::{
    common::{
        der::{bits, element, integer, misformed, octets, sequence, unsigned},
        hex, plus,
    },
    forgery::affine,
};

const TEXT: &[u8] = b"setpoint 42";

struct Parts {
    key: PrivateKey,
    c1: [u8; 64],
    c2: Vec<u8>,
    c3: [u8; 32],
}

impl Parts {
    /// The parts of a ciphertext of `text` with k (GB/T 32918.4-2016, 6.1).
    fn new(k: Scalar, text: &[u8]) -> Self {
        let key = PrivateKey::generate().unwrap();
        let point = sm2::PublicKey::from_sec1_bytes(&key.public_key().to_sec1()).unwrap();
        let shared = affine(&(ProjectivePoint::from(*point.as_affine()) * k));
        let mut c2 = vec![0; text.len()];
        kdf(&shared, &mut c2).unwrap();
        c2.iter_mut().zip(text).for_each(|(key, text)| *key ^= text);
        let mut c3 = Sm3::new();
        c3.update(&shared[..32]);
        c3.update(text);
        c3.update(&shared[32..]);
        Self {
            key,
            c1: affine(&(ProjectivePoint::GENERATOR * k)),
            c2,
            c3: c3.finish(),
        }
    }

    fn x(&self) -> &[u8] {
        &self.c1[..32]
    }

    fn y(&self) -> &[u8] {
        &self.c1[32..]
    }

    fn der(&self) -> Vec<u8> {
        self.der_of(&unsigned(self.x()), &unsigned(self.y()))
    }

    fn der_of(&self, x: &[u8], y: &[u8]) -> Vec<u8> {
        sequence(&[x, y, &octets(self.c3), &octets(&self.c2)])
    }

    fn raw(&self) -> Vec<u8> {
        [&[4], &self.c1[..], &self.c3, &self.c2].concat()
    }

    #[track_caller]
    fn gives(&self, layout: Layout, ciphertext: &[u8], text: &[u8]) {
        let found = self.key.decrypt(layout, ciphertext);
        assert_eq!(*found.unwrap(), text, "{layout:?} {ciphertext:02x?}");
    }

    #[track_caller]
    fn refuses(&self, layout: Layout, why: &str, ciphertext: &[u8]) {
        let refused = self.key.decrypt(layout, ciphertext);
        let shown = &ciphertext[..ciphertext.len().min(200)];
        assert_eq!(
            refused,
            Err(Error::Decrypt),
            "{layout:?}, {why}: {shown:02x?}"
        );
    }
}

fn parts() -> Parts {
    Parts::new(Scalar::from(0x5eed_u64), TEXT)
}

/// The first multiple of the base point of which `wanted` holds, and its number.
fn search(wanted: impl Fn(&[u8; 64]) -> bool) -> Scalar {
    let mut point = ProjectivePoint::GENERATOR;
    for k in 1u64.. {
        if wanted(&affine(&point)) {
            return Scalar::from(k);
        }
        point += ProjectivePoint::GENERATOR;
    }
    unreachable!()
}

#[test]
fn coordinates_with_zeros_before_them_are_numbers_like_others() {
    for k in [
        Scalar::ONE,
        -Scalar::ONE,
        search(|point| point[0] == 0),
        search(|point| point[32] == 0),
        // The highest bit is set, so that DER puts a zero before it; or it isn't.
        search(|point| point[0] >= 0x80 && point[32] < 0x80),
        search(|point| point[0] < 0x80 && point[32] >= 0x80),
    ] {
        let parts = Parts::new(k, TEXT);
        parts.gives(Layout::C1C3C2, &parts.raw(), TEXT);
        parts.gives(Layout::Der, &parts.der(), TEXT);
    }
}

#[test]
fn a_long_plaintext_takes_key_from_many_turns_of_the_hash() {
    for length in [1, 31, 32, 33, 64, 255, 256, 65_535, 65_536, 200_000] {
        let text = vec![0x5a; length];
        // No key stream of one byte is zero with this k and the key that is drawn, but one time in 256.
        let parts = loop {
            let parts = Parts::new(Scalar::from(length as u64), &text);
            if parts.c2 != text {
                break parts;
            }
        };
        parts.gives(Layout::C1C3C2, &parts.raw(), &text);
    }
}

#[test]
fn numbers_of_der_are_as_short_as_they_can_be_and_not_negative() {
    let parts = Parts::new(search(|point| point[0] >= 0x80 && point[32] < 0x80), TEXT);
    let (x, y) = (unsigned(parts.x()), unsigned(parts.y()));
    let n = |bytes: &[&[u8]]| integer(bytes.concat());
    for (why, x, y) in [
        ("a negative x", n(&[parts.x()]), y.clone()),
        ("a zero before y", x.clone(), n(&[&[0], parts.y()])),
        ("two zeros before x", n(&[&[0, 0], parts.x()]), y.clone()),
        ("an empty x", n(&[]), y.clone()),
        ("an empty y", x.clone(), n(&[])),
        ("33 bytes of x", n(&[&[1], parts.x()]), y.clone()),
        ("64 bytes of x", n(&[&[1; 32], parts.x()]), y.clone()),
        ("x is 0", n(&[&[0]]), y.clone()),
        ("y is 0", x.clone(), n(&[&[0]])),
        ("both are 0", n(&[&[0]]), n(&[&[0]])),
        ("x and y in each other's place", y.clone(), x.clone()),
        ("octets for x", octets(parts.x()), y.clone()),
        ("a bit string for y", x.clone(), bits(parts.y())),
        (
            "ENUMERATED for x",
            element(0x0a, [&[0], parts.x()].concat()),
            y.clone(),
        ),
    ] {
        parts.refuses(Layout::Der, why, &parts.der_of(&x, &y));
    }
}

#[test]
fn coordinates_have_to_be_below_the_size_of_the_field() {
    let p = hex("FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFF");
    let parts = parts();
    for (why, x, y) in [
        ("x is p", plus(&p, 0).to_vec(), parts.y().to_vec()),
        ("x is p + 1", plus(&p, 1).to_vec(), parts.y().to_vec()),
        ("y is p", parts.x().to_vec(), plus(&p, 0).to_vec()),
        ("y is 2^256 - 1", parts.x().to_vec(), vec![0xff; 32]),
        ("both are", vec![0xff; 32], vec![0xff; 32]),
        ("the point with -y is another", parts.x().to_vec(), {
            // p - y: on the curve, but not where C3 was made.
            let y = parts.y().iter().map(|byte| !byte).collect::<Vec<_>>();
            minus(&p, &y)
        }),
    ] {
        let raw = [&[4], &x[..], &y, &parts.c3, &parts.c2].concat();
        parts.refuses(Layout::C1C3C2, why, &raw);
        let raw = [&[4], &x[..], &y, &parts.c2, &parts.c3].concat();
        parts.refuses(Layout::C1C2C3, why, &raw);
        let der = parts.der_of(&unsigned(&x), &unsigned(&y));
        parts.refuses(Layout::Der, why, &der);
    }
}

/// p - y, where `inverted` is y with its bits turned over: p + inverted + 1 modulo 2^256.
fn minus(p: &[u8], inverted: &[u8]) -> Vec<u8> {
    let mut sum = vec![0; 32];
    let mut carry = 1;
    for at in (0..32).rev() {
        carry += u16::from(p[at]) + u16::from(inverted[at]);
        sum[at] = carry as u8;
        carry >>= 8;
    }
    sum
}

#[test]
fn every_other_form_of_the_parts_is_refused() {
    let parts = parts();
    let (x, y) = (unsigned(parts.x()), unsigned(parts.y()));
    let (c3, c2) = (octets(parts.c3), octets(&parts.c2));
    let right = parts.der();
    parts.gives(Layout::Der, &right, TEXT);
    for (why, der) in misformed(&right) {
        parts.refuses(Layout::Der, why, &der);
    }
    for (at, part) in [&x, &y, &c3, &c2].into_iter().enumerate() {
        for (why, wrong) in misformed(part) {
            let mut all = [&x[..], &y, &c3, &c2];
            all[at] = &wrong;
            parts.refuses(Layout::Der, &format!("part {at} {why}"), &sequence(&all));
        }
    }
    let pieces = element(
        0x24,
        [octets(&parts.c2[..4]), octets(&parts.c2[4..])].concat(),
    );
    for (why, der) in [
        (
            "C3 of 31 bytes",
            sequence(&[&x, &y, &octets(&parts.c3[..31]), &c2]),
        ),
        (
            "C3 of 33 bytes",
            sequence(&[&x, &y, &octets([&parts.c3[..], &[0]].concat()), &c2]),
        ),
        ("C2 before C3", sequence(&[&x, &y, &c2, &c3])),
        ("a fifth part", sequence(&[&x, &y, &c3, &c2, &[5, 0]])),
        ("three parts", sequence(&[&x, &y, &c3])),
        ("C2 in two pieces", sequence(&[&x, &y, &c3, &pieces])),
        ("a SET", element(0x31, [&x[..], &y, &c3, &c2].concat())),
        ("the other layout", parts.raw()),
    ] {
        parts.refuses(Layout::Der, why, &der);
    }
}

#[test]
fn the_first_byte_of_a_point_says_its_form_and_not_all_forms_are_taken() {
    let parts = parts();
    let (right, odd) = (parts.raw(), parts.c1[63] & 1);
    let short = |first: u8| [&[first], parts.x(), &parts.c3, &parts.c2].concat();
    parts.gives(Layout::C1C3C2, &right, TEXT);
    parts.gives(Layout::C1C3C2, &short(2 | odd), TEXT);
    parts.refuses(Layout::C1C3C2, "the other y", &short(3 - odd));
    for first in (0..=u8::MAX).filter(|first| !matches!(first, 2..=4)) {
        let long = [&[first], &right[1..]].concat();
        parts.refuses(Layout::C1C3C2, "another form", &long);
        parts.refuses(Layout::C1C3C2, "another short form", &short(first));
    }
    let single = [&[0], &parts.c3[..], &parts.c2].concat();
    parts.refuses(Layout::C1C3C2, "infinity", &single);
    // A compressed x that is no x of the curve.
    let x = (1..)
        .map(|x| plus(&[0; 32], x))
        .find(|x| PublicKey::from_sec1(&[&[2], &x[..]].concat()).is_err());
    let none = [&[2], &x.unwrap()[..], &parts.c3, &parts.c2].concat();
    parts.refuses(Layout::C1C3C2, "an x without y", &none);
}

#[test]
fn a_check_value_of_anything_else_is_wrong() {
    let parts = parts();
    let shared = {
        let point = sm2::PublicKey::from_sec1_bytes(&[&[4], &parts.c1[..]].concat()).unwrap();
        let d = sm2::SecretKey::from_slice(&parts.key.to_bytes()[..]).unwrap();
        affine(&(ProjectivePoint::from(*point.as_affine()) * *d.to_nonzero_scalar()))
    };
    let (x2, y2) = shared.split_at(32);
    let hash = |all: &[&[u8]]| weihe_sm::sm3::digest(&all.concat());
    assert_eq!(hash(&[x2, TEXT, y2]), parts.c3);
    for (why, c3) in [
        ("zeros", [0; 32]),
        ("ones", [0xff; 32]),
        ("of the text alone", hash(&[TEXT])),
        ("of the ciphertext", hash(&[x2, &parts.c2, y2])),
        ("without y", hash(&[x2, TEXT])),
        ("the other way round", hash(&[y2, TEXT, x2])),
        ("of C1's own x and y", hash(&[parts.x(), TEXT, parts.y()])),
    ] {
        let raw = [&[4], &parts.c1[..], &c3, &parts.c2].concat();
        parts.refuses(Layout::C1C3C2, why, &raw);
    }
    // Nothing encrypted: the standard has no such ciphertext, even with the right check value.
    let empty = hash(&[x2, y2]);
    let raw = [&[4], &parts.c1[..], &empty].concat();
    parts.refuses(Layout::C1C3C2, "an empty text", &raw);
    parts.refuses(Layout::C1C2C3, "an empty text", &raw);
    let (x, y) = (unsigned(parts.x()), unsigned(parts.y()));
    let der = sequence(&[&x, &y, &octets(empty), &octets([])]);
    parts.refuses(Layout::Der, "an empty text", &der);
}
