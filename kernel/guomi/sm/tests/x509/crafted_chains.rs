//! Chains that no program of ours would make: who issues, in circles too, and for what.

use weihe_sm::{Error, certificate::Refusal};

use crate::{
    by_hand::*,
    common::der::{element, integer, oid, sequence},
};

#[test]
fn who_issues_has_to_be_an_authority_that_may() {
    let below = Crafted {
        issuer: name("Line"),
        by: key(3),
        ..Crafted::server()
    };
    let line = |extensions: &[Vec<u8>]| Crafted::new("Line", 3, "Root", 1).only(extensions);
    let says = |line: &Crafted| below.says(&[line]);
    assert_eq!(says(&line(&[authority(None)])), Ok(3));
    assert_eq!(says(&line(&[authority(Some(&[0])), usage(0x04, 2)])), Ok(3));

    let plain = |value: &[u8]| extension(BASIC, TRUE, &sequence(&[value]));
    for (why, extensions) in [
        ("no extensions", vec![]),
        ("key usage alone", vec![usage(0x04, 2)]),
        ("no authority", vec![plain(&[])]),
        ("no authority, said", vec![plain(FALSE)]),
        ("a path length alone", vec![plain(&integer([0]))]),
    ] {
        let says = says(&line(&extensions));
        match says {
            Err(Error::Certificate(Refusal::NotAuthority { subject })) => {
                assert_eq!(subject, "CN=Line", "{why}");
            }
            // FALSE is the default, and DER leaves it out.
            Err(Error::Form { .. }) if why.ends_with("said") => {}
            other => panic!("{why}: {other:?}"),
        }
    }
    let signs_only = line(&[authority(None), usage(0x80, 7)]);
    let expected = Refusal::Usage {
        subject: "CN=Line".to_owned(),
        usage: "sign certificates",
    };
    assert_eq!(says(&signs_only), Err(Error::Certificate(expected)));
    let for_clients = extension(PURPOSES, &[], &sequence(&[&oid("1.3.6.1.5.5.7.3.2")]));
    let clients = says(&line(&[authority(None), for_clients]));
    assert!(
        matches!(clients, Err(Error::Certificate(Refusal::Purpose { .. }))),
        "{clients:?}"
    );
    for (why, length) in [
        ("-1", &[0xff][..]),
        ("256", &[1, 0]),
        ("2^64", &[1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        malformed(why, &line(&[authority(Some(length))]));
    }
    // An authority signed by another than the root, and a chain that leads back to where it began.
    let mut forged = line(&[authority(None)]);
    forged.by = key(9);
    assert!(matches!(
        says(&forged),
        Err(Error::Certificate(Refusal::Signature { .. }))
    ));
}

#[test]
fn chains_that_go_in_circles_end() {
    let server = Crafted {
        issuer: name("A"),
        by: key(10),
        ..Crafted::server()
    };
    let authority_of = |subject, number, issuer, by| {
        Crafted::new(subject, number, issuer, by).only(&[authority(None)])
    };
    let (a, b) = (
        authority_of("A", 10, "B", 11),
        authority_of("B", 11, "A", 10),
    );
    let own = authority_of("A", 10, "A", 10);
    let itself = Crafted {
        issuer: name("gateway"),
        by: key(2),
        ..Crafted::server()
    };
    for (why, end, between) in [
        ("two that issue each other", &server, vec![&a, &b]),
        ("one that issues itself", &server, vec![&own]),
        ("all of them", &server, vec![&own, &a, &b, &own, &b, &a]),
        ("a server that issues itself", &itself, vec![]),
        (
            "a server that issues itself, sent along",
            &itself,
            vec![&itself],
        ),
    ] {
        let says = end.says(&between);
        assert!(
            matches!(
                says,
                Err(Error::Certificate(
                    Refusal::Untrusted { .. } | Refusal::NotAuthority { .. }
                ))
            ),
            "{why}: {says:?}"
        );
    }
    // With a way out, it is found.
    let out = authority_of("B", 11, "Root", 1);
    assert_eq!(server.says(&[&own, &b, &a, &out]), Ok(4));
    // However often the others come along.
    let often = [&own, &a, &b, &own, &a, &b, &own, &a, &b, &out];
    assert_eq!(server.says(&often), Ok(4));
}

#[test]
fn what_it_may_be_used_for_is_what_it_says() {
    let good = Crafted::server();
    let purposes = |list: &[&str]| {
        let list: Vec<u8> = list.iter().flat_map(|id| oid(id)).collect();
        extension(PURPOSES, &[], &element(0x30, list))
    };
    let (server, client, any) = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0");
    for list in [&[server][..], &[client, server], &[any], &["1.2.3.4", any]] {
        assert_eq!(
            good.clone().with(purposes(list)).says(&[]),
            Ok(2),
            "{list:?}"
        );
    }
    for list in [&[][..], &[client], &["1.2.3.4"], &["1.3.6.1.5.5.7.3"]] {
        let error = refused("another purpose", &good.clone().with(purposes(list)));
        let purpose = matches!(error, Error::Certificate(Refusal::Purpose { .. }));
        assert!(
            purpose || matches!(error, Error::Form { .. }) && list.is_empty(),
            "{list:?}: {error}"
        );
    }
    for (bits, unused) in [(0x20, 5), (0x06, 1), (0x40, 6)] {
        let other = good
            .clone()
            .only(&[dns("gateway.plant"), usage(bits, unused)]);
        let error = refused("another usage", &other);
        assert!(
            matches!(error, Error::Certificate(Refusal::Usage { .. })),
            "{error}"
        );
    }
    for host in [
        "gateway.plant\0",
        "gateway.plant\0.evil.example",
        "gateway",
        "*",
        "*.",
        "*.*",
        "*.plant",
        "gate*.plant",
        "",
        ".",
        " gateway.plant",
        "xgateway.plant",
        ".gateway.plant",
    ] {
        let other = good.clone().only(&[dns(host)]);
        let error = refused(host, &other);
        let wrong = matches!(
            error,
            Error::Certificate(Refusal::WrongHost { .. }) | Error::Form { .. }
        );
        assert!(wrong, "{host:?}: {error}");
    }
    // An address of another length is none.
    for length in [0, 3, 5, 8, 15, 17] {
        let names = sequence(&[&element(0x87, vec![1; length])]);
        let other = good.clone().only(&[extension(NAMES, &[], &names)]);
        refused("an address", &other);
    }
}
