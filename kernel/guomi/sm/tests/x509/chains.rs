use std::time::{Duration, SystemTime};

use weihe_sm::certificate::{
    Certificate, Check, Order, Profile, Purpose, Refusal, Revoked, verify,
};

use crate::{
    common::digits,
    plant::{DAY, Holder, Plant, authority, hosts, noon, order},
};

#[test]
fn a_chain_leads_up_to_a_trusted_root() {
    let plant = Plant::new();
    let between = [plant.line.certificate.clone()];
    let roots = [plant.root.certificate.clone()];
    let check = Check::new(noon(), Purpose::Server);
    let chain = verify(&plant.server.certificate, &between, &roots, &check).unwrap();
    let expected =
        [&plant.server, &plant.line, &plant.root].map(|holder| holder.certificate.clone());
    assert_eq!(chain, expected);
    // The order of what is sent, and what doesn't belong, don't matter.
    let other = Plant::new();
    let between = [
        other.line.certificate.clone(),
        plant.root.certificate.clone(),
        plant.server.certificate.clone(),
        plant.line.certificate.clone(),
    ];
    let roots = [
        other.root.certificate.clone(),
        plant.root.certificate.clone(),
    ];
    let chain = verify(&plant.server.certificate, &between, &roots, &check).unwrap();
    assert_eq!(chain, expected);
}

#[test]
fn without_a_trusted_root_there_is_no_trust() {
    let (plant, other) = (Plant::new(), Plant::new());
    let server = &plant.server.certificate;
    let check = Check::new(noon(), Purpose::Server);
    let line = [plant.line.certificate.clone()];
    let root = [plant.root.certificate.clone()];

    let untrusted = |subject: &str, issuer: &str| Refusal::Untrusted {
        subject: subject.to_owned(),
        issuer: issuer.to_owned(),
    };
    let (own, by) = ("CN=gateway,O=Plant", "CN=Line 1,O=Plant");
    let refused = verify(server, &[], &root, &check).unwrap_err();
    assert_eq!(refused, untrusted(own, by));
    let refused = verify(server, &line, &[], &check).unwrap_err();
    assert_eq!(refused, untrusted(by, "CN=Plant root,O=Plant"));
    // A root that is only sent along is not trusted, nor is one with the same name.
    let sent = [line[0].clone(), root[0].clone()];
    let refused = verify(server, &sent, &[], &check).unwrap_err();
    assert!(matches!(refused, Refusal::Untrusted { .. }), "{refused}");
    let namesake = [other.root.certificate.clone()];
    let refused = verify(server, &line, &namesake, &check).unwrap_err();
    assert!(matches!(refused, Refusal::Untrusted { .. }), "{refused}");
}

#[test]
fn a_certificate_among_the_roots_needs_no_issuer() {
    let signer = Holder::root(&order("CN=Author", Profile::CodeSigning));
    let roots = [signer.certificate.clone()];
    let check = Check::new(noon(), Purpose::CodeSigning);
    let chain = verify(&signer.certificate, &[], &roots, &check).unwrap();
    assert_eq!(chain.len(), 1);
    // What it may be used for is looked at all the same.
    let check = Check::new(noon(), Purpose::Server);
    let refused = verify(&signer.certificate, &[], &roots, &check).unwrap_err();
    let expected = "the certificate of `CN=Author` may not be used for TLS servers";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn validity_is_that_of_each_certificate_to_the_second() {
    let plant = Plant::new();
    let server = plant.line.issues(&Order {
        not_before: noon() - DAY,
        not_after: noon() + DAY,
        ..order("CN=short", Profile::Server)
    });
    let at =
        |time: SystemTime| plant.checks(&server.certificate, &Check::new(time, Purpose::Server));
    assert_eq!(at(noon() - DAY), Ok(3));
    assert_eq!(at(noon() + DAY + Duration::from_millis(999)), Ok(3));
    let early = at(noon() - DAY - Duration::from_millis(1)).unwrap_err();
    let expected = "the certificate of `CN=short` is not valid before 2029-12-31T00:00:00Z";
    assert_eq!(early.to_string(), expected);
    let late = at(noon() + DAY + Duration::from_secs(1)).unwrap_err();
    let expected = "the certificate of `CN=short` expired at 2030-01-02T00:00:00Z";
    assert_eq!(late.to_string(), expected);
}

#[test]
fn an_expired_authority_or_root_takes_what_it_issued_along() {
    let short = |subject: &str, path_length| Order {
        not_after: noon() + DAY,
        ..order(subject, authority(path_length))
    };
    let root = Holder::root(&short("CN=Root", None));
    let line = root.issues(&short("CN=Line", None));
    let server = line.issues(&Order {
        not_after: noon() + DAY,
        ..order("CN=s", Profile::Server)
    });
    // A check a day late has the server's own validity over too, so the root is tried by one not yet valid.
    let early = Holder {
        certificate: weihe_sm::certificate::self_signed(
            &root.key,
            &Order {
                not_before: noon() + DAY / 2,
                ..short("CN=Root", None)
            },
        )
        .unwrap(),
        key: root.key.clone(),
    };
    let check = Check::new(noon(), Purpose::Server);
    let between = [line.certificate.clone()];
    let good = verify(&server.certificate, &between, &[root.certificate], &check);
    assert_eq!(good.unwrap().len(), 3);
    let refused = verify(&server.certificate, &between, &[early.certificate], &check);
    let expected = "the certificate of `CN=Root` is not valid before 2030-01-01T12:00:00Z";
    assert_eq!(refused.unwrap_err().to_string(), expected);
}

#[test]
fn the_wrong_host_is_refused_with_the_hosts_that_it_is_for() {
    let plant = Plant::new();
    let check = Check::new(noon(), Purpose::Server);
    let says = |host: &str| {
        let host = host.parse().unwrap();
        plant.checks(&plant.server.certificate, &check.host(&host))
    };
    for host in [
        "gateway.plant",
        "GATEWAY.plant.",
        "a.line.plant",
        "192.0.2.7",
        "2001:db8:0::7",
    ] {
        assert_eq!(says(host), Ok(3), "{host}");
    }
    for host in [
        "plant",
        "line.plant",
        "a.b.line.plant",
        "xgateway.plant",
        "192.0.2.8",
        "::7",
    ] {
        let refused = says(host).unwrap_err();
        assert!(matches!(refused, Refusal::WrongHost { .. }), "{refused}");
    }
    let refused = says("other.plant").unwrap_err();
    let expected = "the certificate of `CN=gateway,O=Plant` is not for other.plant, \
                    but for gateway.plant, *.line.plant, 192.0.2.7, 2001:db8::7";
    assert_eq!(refused.to_string(), expected);
    // The common name is not a host (RFC 9525, 1.3).
    let bare = plant
        .line
        .issues(&order("CN=gateway.plant", Profile::Server));
    let host = "gateway.plant".parse().unwrap();
    let refused = plant
        .checks(&bare.certificate, &check.host(&host))
        .unwrap_err();
    assert!(
        refused.to_string().ends_with("but for no host"),
        "{refused}"
    );
}

#[test]
fn each_profile_is_for_its_purposes_only() {
    let plant = Plant::new();
    let all = [Purpose::Server, Purpose::Client, Purpose::CodeSigning];
    for (profile, good) in [
        (Profile::Server, &[Purpose::Server][..]),
        (Profile::Client, &[Purpose::Client]),
        (Profile::Peer, &[Purpose::Server, Purpose::Client]),
        (Profile::CodeSigning, &[Purpose::CodeSigning]),
    ] {
        let holder = plant.line.issues(&order("CN=x", profile));
        assert_eq!(plant.says(&holder.certificate, Purpose::Any), Ok(3));
        for purpose in all {
            let says = plant.says(&holder.certificate, purpose);
            assert_eq!(
                says.is_ok(),
                good.contains(&purpose),
                "{profile:?} {purpose:?}"
            );
        }
    }
}

#[test]
fn an_authority_is_no_server() {
    let plant = Plant::new();
    let refused = plant
        .says(&plant.line.certificate, Purpose::Server)
        .unwrap_err();
    assert!(
        matches!(refused, Refusal::Usage { usage: "sign", .. }),
        "{refused}"
    );
    let refused = plant
        .says(&plant.line.certificate, Purpose::CodeSigning)
        .unwrap_err();
    assert!(matches!(refused, Refusal::Purpose { .. }), "{refused}");
}

/// Whether the certificate of `subject`, issued by a program that doesn't care, is refused for the right reason.
#[test]
fn a_certificate_that_is_not_an_authority_issues_nothing() {
    let plant = Plant::new();
    // The server's key signs as if its certificate were one of an authority.
    let posing = Holder {
        certificate: weihe_sm::certificate::self_signed(
            &plant.server.key,
            &order("CN=gateway,O=Plant", authority(None)),
        )
        .unwrap(),
        key: plant.server.key.clone(),
    };
    let evil = posing.issues(&Order {
        hosts: hosts(&["bank.example"]),
        ..order("CN=bank.example", Profile::Server)
    });
    let between = [
        plant.server.certificate.clone(),
        plant.line.certificate.clone(),
    ];
    let roots = [plant.root.certificate.clone()];
    let check = Check::new(noon(), Purpose::Server);
    let refused = verify(&evil.certificate, &between, &roots, &check).unwrap_err();
    let expected = Refusal::NotAuthority {
        subject: "CN=gateway,O=Plant".to_owned(),
    };
    assert_eq!(refused, expected);
    let with_posing = [&between[..], &[posing.certificate]].concat();
    let refused = verify(&evil.certificate, &with_posing, &roots, &check);
    assert!(refused.is_err());
}

#[test]
fn the_path_may_not_be_longer_than_an_authority_allows() {
    let root = Holder::root(&order("CN=Root", authority(Some(0))));
    // The root's key issues an authority all the same, under a certificate that doesn't forbid it.
    let loose = Holder {
        certificate: weihe_sm::certificate::self_signed(
            &root.key,
            &order("CN=Root", authority(None)),
        )
        .unwrap(),
        key: root.key.clone(),
    };
    let line = loose.issues(&order("CN=Line", authority(None)));
    let server = line.issues(&order("CN=s", Profile::Server));
    let check = Check::new(noon(), Purpose::Server);
    let between = [line.certificate.clone()];
    let good = verify(&server.certificate, &between, &[loose.certificate], &check);
    assert!(good.is_ok());
    let refused = verify(&server.certificate, &between, &[root.certificate], &check);
    let expected = Refusal::PathLength {
        subject: "CN=Root".to_owned(),
        limit: 0,
    };
    assert_eq!(refused.unwrap_err(), expected);
}

#[test]
fn a_revoked_certificate_or_authority_is_refused() {
    let plant = Plant::new();
    let server = &plant.server.certificate;
    let colons = |digits: &str| {
        let pairs: Vec<_> = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair))
            .collect();
        pairs.join(":").to_uppercase()
    };
    let line = &plant.line.certificate;
    for (text, whose) in [
        (server.serial(), server),
        (format!("00:{}", colons(&server.serial())), server),
        (digits(&server.fingerprint()), server),
        (colons(&digits(&line.fingerprint())), line),
        (line.serial(), line),
    ] {
        let mut revoked = Revoked::new();
        revoked.add("01").unwrap();
        revoked.add(&"ab".repeat(32)).unwrap();
        let check = Check::new(noon(), Purpose::Server);
        assert_eq!(plant.checks(server, &check.revoked(&revoked)), Ok(3));
        revoked.add(&text).unwrap();
        let refused = plant.checks(server, &check.revoked(&revoked)).unwrap_err();
        let expected = Refusal::Revoked {
            subject: whose.subject(),
            serial: whose.serial(),
        };
        assert_eq!(refused, expected, "{text}");
    }
    for text in ["", "xyz", &"0".repeat(43), &"a".repeat(65)] {
        assert!(Revoked::new().add(text).is_err(), "{text}");
    }
}

#[test]
fn many_authorities_with_one_name_do_not_keep_the_verifier_busy() {
    // Each may have issued each other, by its name; there are more ways than anyone can try.
    let order = order("CN=Same", authority(None));
    let all: Vec<Certificate> = (0..40).map(|_| Holder::root(&order).certificate).collect();
    let server = Holder::root(&order).issues(&crate::plant::order("CN=s", Profile::Server));
    let began = std::time::Instant::now();
    let check = Check::new(noon(), Purpose::Server);
    verify(&server.certificate, &all, &[], &check).unwrap_err();
    // Not a measurement: without a bound it would be years.
    assert!(began.elapsed() < Duration::from_secs(120));

    // As deep as it goes.
    let mut deep = vec![Holder::root(&crate::plant::order("CN=0", authority(None)))];
    for number in 1..12 {
        let next = deep[number - 1].issues(&crate::plant::order(
            &format!("CN={number}"),
            authority(None),
        ));
        deep.push(next);
    }
    let all: Vec<_> = deep
        .iter()
        .map(|holder| holder.certificate.clone())
        .collect();
    let server = deep[11].issues(&crate::plant::order("CN=s", Profile::Server));
    let refused = verify(&server.certificate, &all[1..], &all[..1], &check).unwrap_err();
    assert!(matches!(refused, Refusal::TooMuch { .. }), "{refused}");
    let server = deep[6].issues(&crate::plant::order("CN=s", Profile::Server));
    assert!(verify(&server.certificate, &all[1..], &all[..1], &check).is_ok());
}
