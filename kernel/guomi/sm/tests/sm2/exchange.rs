use weihe_sm::{
    Error,
    sm2::{
        DEFAULT_ID, PrivateKey, PublicKey,
        exchange::{Initiator, Party, respond},
    },
};

fn party<'a>(key: &PrivateKey, id: &'a [u8]) -> Party<'a> {
    Party {
        key: key.public_key(),
        id,
    }
}

fn keys() -> (PrivateKey, PrivateKey) {
    (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    )
}

#[test]
fn both_sides_come_to_a_key_of_any_length() {
    let (a, b) = keys();
    for length in [0, 1, 16, 31, 32, 33, 48, 1000] {
        let begun = Initiator::new(&a, b"gateway", party(&b, b"meter")).unwrap();
        let peer = party(&a, b"gateway");
        let (point, answered) = respond(&b, b"meter", peer, &begun.point(), length).unwrap();
        let agreed = begun.finish(&point, length).unwrap();
        let (s_a, s_b) = (agreed.confirmation(), answered.confirmation());
        assert_ne!(s_a, s_b);
        let key = agreed.confirm(&s_b).unwrap();
        assert_eq!(key.len(), length);
        assert_eq!(key, answered.confirm(&s_a).unwrap());
    }
}

#[test]
fn without_the_right_identity_key_or_point_nothing_is_confirmed() {
    let (a, b) = keys();
    let other = PrivateKey::generate().unwrap();
    let run = |id_of_b: &[u8], peer_of_b: &PrivateKey, changed: bool| {
        let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
        let peer = party(peer_of_b, DEFAULT_ID);
        let (mut point, answered) = respond(&b, id_of_b, peer, &begun.point(), 16).unwrap();
        if changed {
            point = other.public_key().to_sec1();
        }
        let agreed = begun.finish(&point, 16).unwrap();
        let (s_a, s_b) = (agreed.confirmation(), answered.confirmation());
        (agreed.confirm(&s_b).err(), answered.confirm(&s_a).err())
    };
    assert_eq!(run(DEFAULT_ID, &a, false), (None, None));
    let failed = (Some(Error::Exchange), Some(Error::Exchange));
    assert_eq!(run(b"someone", &a, false), failed);
    assert_eq!(run(DEFAULT_ID, &other, false), failed);
    assert_eq!(run(DEFAULT_ID, &a, true), failed);
}

#[test]
fn a_confirmation_cannot_be_sent_back_to_who_made_it() {
    let (a, b) = keys();
    let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
    let (point, _) = respond(&b, DEFAULT_ID, party(&a, DEFAULT_ID), &begun.point(), 16).unwrap();
    let agreed = begun.finish(&point, 16).unwrap();
    let own = agreed.confirmation();
    assert_eq!(agreed.confirm(&own).err(), Some(Error::Exchange));
}

#[test]
fn the_confirmation_may_be_left_out() {
    let (a, b) = keys();
    let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
    let peer = party(&a, DEFAULT_ID);
    let (point, answered) = respond(&b, DEFAULT_ID, peer, &begun.point(), 16).unwrap();
    let agreed = begun.finish(&point, 16).unwrap();
    assert_eq!(agreed.unconfirmed(), answered.unconfirmed());
}

#[test]
fn a_point_off_the_curve_is_refused_by_both_sides() {
    let (a, b) = keys();
    let mut off = a.public_key().to_sec1();
    off[64] ^= 1;
    for point in [&off[..], &[0], &[]] {
        let answered = respond(&b, DEFAULT_ID, party(&a, DEFAULT_ID), point, 16);
        assert_eq!(answered.err(), Some(Error::PublicKey));
        let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
        assert_eq!(begun.finish(point, 16).err(), Some(Error::PublicKey));
    }
}

#[test]
fn what_is_printed_of_an_exchange_holds_no_key() {
    let (a, b) = keys();
    let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
    let printed = format!("{begun:?}");
    let peer = party(&a, DEFAULT_ID);
    let (point, answered) = respond(&b, DEFAULT_ID, peer, &begun.point(), 16).unwrap();
    let printed = format!("{printed} {answered:?}");
    let agreed = begun.finish(&point, 16).unwrap().unconfirmed();
    for secret in [&a.to_bytes()[..], &agreed[..]] {
        assert!(!printed.contains(&format!("{secret:?}")), "{printed}");
        assert!(
            !printed.contains(&crate::common::digits(secret)),
            "{printed}"
        );
    }
}

#[test]
fn every_point_that_is_none_is_refused_by_both_sides() {
    let (a, b) = keys();
    let right = b.public_key().to_sec1();
    let p = crate::common::hex(
        "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFF",
    );
    for (why, point) in [
        ("nothing", vec![]),
        ("infinity", vec![0]),
        ("infinity, filled up", vec![0; 65]),
        ("zeros", [&[4][..], &[0; 64]].concat()),
        ("x is p", [&[4][..], &p, &right[33..]].concat()),
        ("y is p", [&right[..33], &p].concat()),
        ("too short", right[..64].to_vec()),
        ("too long", [&right[..], &[0]].concat()),
        ("without its first byte", right[1..].to_vec()),
        (
            "a hybrid form",
            [&[6 | right[64] & 1], &right[1..]].concat(),
        ),
        (
            "the other hybrid form",
            [&[7 ^ right[64] & 1], &right[1..]].concat(),
        ),
        (
            "x and y in each other's place",
            [&[4], &right[33..], &right[1..33]].concat(),
        ),
        ("a point twice", [right, right].concat()),
    ] {
        let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
        assert_eq!(
            begun.finish(&point, 16).err(),
            Some(Error::PublicKey),
            "{why}"
        );
        let answered = respond(&b, DEFAULT_ID, party(&a, DEFAULT_ID), &point, 16);
        assert_eq!(answered.err(), Some(Error::PublicKey), "{why}");
    }
}

#[test]
fn a_compressed_point_is_the_same_point() {
    let (a, b) = keys();
    let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
    let r_a = PublicKey::from_sec1(&begun.point())
        .unwrap()
        .to_compressed();
    let peer = party(&a, DEFAULT_ID);
    let (r_b, answered) = respond(&b, DEFAULT_ID, peer, &r_a, 16).unwrap();
    let r_b = PublicKey::from_sec1(&r_b).unwrap().to_compressed();
    let agreed = begun.finish(&r_b, 16).unwrap();
    let (s_a, s_b) = (agreed.confirmation(), answered.confirmation());
    assert_eq!(
        agreed.confirm(&s_b).unwrap(),
        answered.confirm(&s_a).unwrap()
    );
}

#[test]
fn a_confirmation_that_is_not_all_right_is_wrong() {
    let (a, b) = keys();
    let agree = || {
        let begun = Initiator::new(&a, DEFAULT_ID, party(&b, DEFAULT_ID)).unwrap();
        let peer = party(&a, DEFAULT_ID);
        let (point, answered) = respond(&b, DEFAULT_ID, peer, &begun.point(), 16).unwrap();
        (begun.finish(&point, 16).unwrap(), answered)
    };
    type Change = fn(&[u8; 32]) -> Vec<u8>;
    let changes: [(&str, Change); 7] = [
        ("empty", |_| vec![]),
        ("its first half", |right| right[..16].to_vec()),
        ("without its last byte", |right| right[..31].to_vec()),
        ("with a byte after it", |right| [&right[..], &[0]].concat()),
        ("zeros", |_| vec![0; 32]),
        ("with its first bit changed", |right| {
            [&[right[0] ^ 0x80], &right[1..]].concat()
        }),
        ("with its last bit changed", |right| {
            [&right[..31], &[right[31] ^ 1]].concat()
        }),
    ];
    for (why, change) in changes {
        let (agreed, answered) = agree();
        let (s_a, s_b) = (agreed.confirmation(), answered.confirmation());
        let refused = agreed.confirm(&change(&s_b)).err();
        assert_eq!(refused, Some(Error::Exchange), "S_B {why}");
        let refused = answered.confirm(&change(&s_a)).err();
        assert_eq!(refused, Some(Error::Exchange), "S_A {why}");
    }
    // One of an earlier run is none of this.
    let ((agreed, _), (_, earlier)) = (agree(), agree());
    assert!(agreed.confirm(&earlier.confirmation()).is_err());
}

#[test]
fn an_identity_too_long_for_the_standard_is_refused_before_anything_is_sent() {
    let (a, b) = keys();
    let long = [0x61; 8192];
    for (own, other) in [(&long[..], DEFAULT_ID), (DEFAULT_ID, &long[..])] {
        let begun = Initiator::new(&a, own, party(&b, other));
        assert_eq!(begun.err(), Some(Error::Identity(8192)));
        let point = b.public_key().to_sec1();
        let answered = respond(&b, own, party(&a, other), &point, 16);
        assert_eq!(answered.err(), Some(Error::Identity(8192)));
    }
    let most = [0x61; 8191];
    assert!(Initiator::new(&a, &most, party(&b, &most)).is_ok());
}
