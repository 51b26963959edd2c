//! Requests for certificates. The signed part is also given alone, and signed by the key that it should name: so that
//! all that comes after the signature is reached.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{Changes, KEY, body, changed, signed};
use weihe_sm::request::Request;

static VALID: LazyLock<Request> = LazyLock::new(|| {
    let hosts = ["gateway.plant", "*.line.plant", "192.0.2.7", "2001:db8::7"];
    let hosts = hosts.map(|host| host.parse().unwrap());
    Request::new(&*KEY, "CN=gateway,O=Plant,C=CN", &hosts).unwrap()
});

fuzz_target!(|input: (u8, Changes, &[u8])| {
    let (which, changes, bytes) = input;
    match which % 4 {
        0 => {
            let changed = changed(VALID.to_der(), &changes);
            if let Some(read) = read(&changed) {
                assert!(read.verify().is_err() || read.to_der() == VALID.to_der());
            }
        }
        1 => signed_by_its_key(&changed(body(VALID.to_der()), &changes)),
        2 => signed_by_its_key(bytes),
        _ => {
            read(bytes);
        }
    }
});

fn read(der: &[u8]) -> Option<Request> {
    let request = Request::from_der(der).ok()?;
    assert_eq!(request.to_der(), der);
    let _ = (format!("{request:?}"), request.verify().is_ok());
    let text = request.to_pem().unwrap();
    assert_eq!(Request::from_pem(&text).unwrap().to_der(), der);
    for host in request.hosts() {
        let _ = host.to_string();
    }
    Some(request)
}

fn signed_by_its_key(body: &[u8]) {
    if let Some(request) = read(&signed(body)) {
        let own = request.public_key() == KEY.public_key();
        assert_eq!(request.verify().is_ok(), own);
    }
}
