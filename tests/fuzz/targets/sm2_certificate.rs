//! Certificates and chains. The signed part is also given alone, and signed by the root: so that what stands in a
//! certificate decides, and not its signature. Who passes is named by the root, valid, for the host and the purpose.
#![no_main]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{Changes, KEY, body, changed, signed};
use weihe_sm::{
    certificate::{
        Certificate, Check, Host, Order, Profile, Purpose, Revoked, issue, self_signed, verify,
    },
    sm2::PrivateKey,
};

struct Plant {
    root: Certificate,
    line: Certificate,
    server: Certificate,
    /// Of the line's key, issued by the line: for an authority between that is changed.
    below: Certificate,
    host: Host,
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000)
}

static PLANT: LazyLock<Plant> = LazyLock::new(|| {
    let year = Duration::from_secs(365 * 24 * 3600);
    let order = |subject: &str, profile| Order {
        subject: subject.to_owned(),
        profile,
        hosts: match profile {
            Profile::Server => vec![
                "gateway.plant".parse().unwrap(),
                "192.0.2.7".parse().unwrap(),
            ],
            _ => vec![],
        },
        not_before: noon() - year,
        not_after: noon() + year,
    };
    let authority = |path_length| Profile::Authority { path_length };
    let root = self_signed(&*KEY, &order("CN=Plant,O=某厂", authority(Some(1)))).unwrap();
    let key = PrivateKey::from_bytes(&[9; 32]).unwrap();
    let line = order("CN=Line", authority(Some(0)));
    let line = issue(&root, &*KEY, &key.public_key(), &line).unwrap();
    let server = order("CN=gateway", Profile::Server);
    Plant {
        below: issue(&line, &key, &key.public_key(), &server).unwrap(),
        server: issue(&root, &*KEY, &key.public_key(), &server).unwrap(),
        host: "gateway.plant".parse().unwrap(),
        root,
        line,
    }
});

fuzz_target!(|input: (u8, Changes, &[u8])| {
    let (which, changes, bytes) = input;
    let plant = &*PLANT;
    match which % 8 {
        0 => {
            // Nothing that was changed is the root's.
            let der = changed(plant.server.to_der(), &changes);
            if let Some(certificate) = read(&der) {
                assert!(!passes(&certificate, &[]) || certificate == plant.server);
            }
        }
        1 | 2 => end(&changed(body(plant.server.to_der()), &changes)),
        3 | 4 => between(&changed(body(plant.line.to_der()), &changes)),
        5 => end(bytes),
        6 => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let _ = Certificate::all_from_pem(text).is_ok();
                let _ = Revoked::new().add(text).is_ok();
                if let Ok(host) = text.parse::<Host>() {
                    assert_eq!(host.to_string().parse(), Ok(host));
                }
            }
        }
        _ => {
            read(bytes);
        }
    }
});

fn read(der: &[u8]) -> Option<Certificate> {
    let certificate = Certificate::from_der(der).ok()?;
    assert_eq!(certificate.to_der(), der);
    let _ = (certificate.to_string(), format!("{certificate:?}"));
    let _ = (certificate.common_name(), certificate.purposes());
    let _ = certificate.verify_signature(&certificate.public_key());
    let mut revoked = Revoked::new();
    revoked.add(&certificate.serial()).unwrap();
    assert!(revoked.contains(&certificate), "{}", certificate.serial());
    let text = certificate.to_pem().unwrap();
    assert_eq!(Certificate::from_pem(&text).as_ref(), Ok(&certificate));
    Some(certificate)
}

fn passes(certificate: &Certificate, between: &[Certificate]) -> bool {
    let plant = &*PLANT;
    let roots = std::slice::from_ref(&plant.root);
    let check = |purpose| Check::new(noon(), purpose);
    for purpose in [Purpose::Any, Purpose::Client, Purpose::CodeSigning] {
        if let Err(refusal) = verify(certificate, between, roots, &check(purpose)) {
            let _ = refusal.to_string();
        }
    }
    let server = check(Purpose::Server).host(&plant.host);
    verify(certificate, between, roots, &server).is_ok()
}

fn end(body: &[u8]) {
    let Some(certificate) = read(&signed(body)) else {
        return;
    };
    if passes(&certificate, &[]) {
        assert_eq!(certificate.issuer(), PLANT.root.subject());
        assert!(certificate.not_before() <= noon() && noon() <= certificate.not_after());
        let hosts = certificate.hosts();
        assert!(hosts.iter().any(|host| host.matches(&PLANT.host)));
        let purposes = certificate.purposes();
        assert!(
            purposes.is_empty()
                || purposes
                    .iter()
                    .any(|one| matches!(one, Purpose::Server | Purpose::Any))
        );
    }
}

fn between(body: &[u8]) {
    let Some(line) = read(&signed(body)) else {
        return;
    };
    let sent = [line.clone(), PLANT.root.clone(), PLANT.below.clone()];
    if passes(&PLANT.below, &sent) {
        assert!(line.is_authority());
        assert_eq!(line.subject(), PLANT.below.issuer());
        assert_eq!(line.public_key(), PLANT.line.public_key());
        assert!(line.not_before() <= noon() && noon() <= line.not_after());
    }
}
