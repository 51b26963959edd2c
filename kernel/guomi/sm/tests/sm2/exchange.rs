use weihe_sm::{
    Error,
    sm2::{
        DEFAULT_ID, PrivateKey,
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
