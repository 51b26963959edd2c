use weihe_sm::{
    Error,
    certificate::{Order, Profile, Purpose, issue},
    request::Request,
    sm2::PrivateKey,
};

use crate::plant::{Plant, hosts, order};

#[test]
fn a_request_becomes_a_certificate() {
    let plant = Plant::new();
    let key = PrivateKey::generate().unwrap();
    let names = hosts(&["pump.plant", "192.0.2.9"]);
    let request = Request::new(&key, "CN=水泵,O=Plant", &names).unwrap();
    let request = Request::from_pem(&request.to_pem().unwrap()).unwrap();
    request.verify().unwrap();
    assert_eq!(request.subject(), "CN=水泵,O=Plant");
    assert_eq!(request.hosts(), names);
    assert_eq!(request.public_key(), key.public_key());

    let order = Order {
        hosts: request.hosts().to_vec(),
        ..order(&request.subject(), Profile::Server)
    };
    let (line, public) = (&plant.line, request.public_key());
    let certificate = issue(&line.certificate, &line.key, &public, &order).unwrap();
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(plant.says(&certificate, Purpose::Server), Ok(3));
}

#[test]
fn a_request_without_hosts_asks_for_none() {
    let key = PrivateKey::generate().unwrap();
    let request = Request::new(&key, "CN=x", &[]).unwrap();
    let request = Request::from_der(request.to_der()).unwrap();
    request.verify().unwrap();
    assert!(request.hosts().is_empty());
}

#[test]
fn who_has_not_the_key_cannot_ask_for_it() {
    let (key, other) = (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    );
    let request = Request::new(&key, "CN=x", &[]).unwrap();
    let der = request.to_der();
    // Somebody else's key put in: whoever asks hasn't its private half.
    let own = key.public_key().to_sec1();
    let at = der.windows(65).position(|bytes| bytes == own).unwrap();
    let mut stolen = der.to_vec();
    stolen[at..at + 65].copy_from_slice(&other.public_key().to_sec1());
    let stolen = Request::from_der(&stolen).unwrap();
    assert_eq!(stolen.verify(), Err(Error::Signature));
    // Another name.
    let at = der
        .windows(3)
        .position(|bytes| bytes == [0x0c, 1, b'x'])
        .unwrap();
    let mut renamed = der.to_vec();
    renamed[at + 2] = b'y';
    let renamed = Request::from_der(&renamed).unwrap();
    assert_eq!(renamed.subject(), "CN=y");
    assert_eq!(renamed.verify(), Err(Error::Signature));
}

#[test]
fn no_damaged_request_passes() {
    let key = PrivateKey::generate().unwrap();
    let request = Request::new(&key, "CN=x", &hosts(&["a.plant"])).unwrap();
    let der = request.to_der();
    for at in 0..der.len() {
        assert!(Request::from_der(&der[..at]).is_err(), "cut at {at}");
        for bit in [0x01, 0x80] {
            let mut changed = der.to_vec();
            changed[at] ^= bit;
            let passes = Request::from_der(&changed).and_then(|request| request.verify());
            assert!(passes.is_err(), "{bit:x} at {at}");
        }
    }
    assert!(Request::from_der(&[der, &[0]].concat()).is_err());
    let huge = Request::from_der(&vec![0x30; 1 << 20]);
    assert!(matches!(huge, Err(Error::TooLong { .. })));
}
