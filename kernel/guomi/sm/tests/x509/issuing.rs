use weihe_sm::{
    Error,
    certificate::{Certificate, Order, Profile, Purpose, Refusal, issue, self_signed},
    sm2::{PrivateKey, Signature, Signer},
};

use crate::{
    common::digits,
    plant::{DAY, Holder, Plant, authority, hosts, noon, order},
};

#[test]
fn a_certificate_says_what_was_ordered() {
    let plant = Plant::new();
    let server = Certificate::from_pem(&plant.server.certificate.to_pem().unwrap()).unwrap();
    assert_eq!(server, plant.server.certificate);
    assert_eq!(server.subject(), "CN=gateway,O=Plant");
    assert_eq!(server.common_name().as_deref(), Some("gateway"));
    assert_eq!(server.issuer(), "CN=Line 1,O=Plant");
    assert_eq!(server.public_key(), plant.server.key.public_key());
    assert_eq!(server.not_before(), noon() - 100 * DAY);
    assert_eq!(server.not_after(), noon() + 100 * DAY);
    assert_eq!(server.purposes(), [Purpose::Server]);
    let names = ["gateway.plant", "*.line.plant", "192.0.2.7", "2001:db8::7"];
    assert_eq!(server.hosts(), hosts(&names));
    assert!(!server.is_authority() && !server.is_self_issued());
    let serial = server.serial();
    assert!(serial.len() == 32 && serial != plant.line.certificate.serial());

    let root = &plant.root.certificate;
    assert!(root.is_authority() && root.is_self_issued());
    assert_eq!(root.path_length(), Some(1));
    assert!(root.purposes().is_empty());
}

#[test]
fn a_certificate_can_be_shown_to_people() {
    let plant = Plant::new();
    let shown = plant.server.certificate.to_string();
    for line in [
        "subject      CN=gateway,O=Plant",
        "issuer       CN=Line 1,O=Plant",
        "not before   2029-09-23T00:00:00Z",
        "not after    2030-04-11T00:00:00Z",
        "authority    no",
        "usage        digital signature",
        "purposes     TLS servers",
        "hosts        gateway.plant, *.line.plant, 192.0.2.7, 2001:db8::7",
        "extension    keyUsage (2.5.29.15), critical",
        "extension    subjectKeyIdentifier (2.5.29.14)",
        &format!("serial       {}", plant.server.certificate.serial()),
        &format!(
            "fingerprint  SM3 {}",
            digits(&plant.server.certificate.fingerprint())
        ),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let shown = plant.root.certificate.to_string();
    assert!(shown.contains("authority    yes, 1 below it"), "{shown}");
}

#[test]
fn names_in_chinese_and_with_commas_come_back() {
    for name in [
        "CN=微核网关,O=某厂",
        r"CN=Pump\, north,O=Plant",
        "CN=a+OU=b,C=CN",
    ] {
        let holder = Holder::root(&order(name, Profile::Client));
        assert_eq!(holder.certificate.subject(), name);
    }
}

#[test]
fn a_control_character_in_a_name_does_not_reach_the_terminal() {
    let holder = Holder::root(&order(r"CN=red\1b[31m", Profile::Client));
    let shown = holder.certificate.to_string();
    assert!(
        shown.contains(r"CN=red\1b[31m") && !shown.contains('\x1b'),
        "{shown}"
    );
}

#[test]
fn times_after_2049_and_parts_of_seconds_are_kept_as_certificates_can() {
    let end = noon() + 365 * 30 * DAY;
    let holder = Holder::root(&Order {
        not_before: noon() + std::time::Duration::from_millis(700),
        not_after: end,
        ..order("CN=Long", authority(None))
    });
    assert_eq!(holder.certificate.not_before(), noon());
    assert_eq!(holder.certificate.not_after(), end);
    assert_eq!(holder.certificate.path_length(), None);
}

fn refused(result: Result<Certificate, Error>) -> Error {
    result.unwrap_err()
}

#[test]
fn who_may_not_issue_does_not() {
    let plant = Plant::new();
    let key = PrivateKey::generate().unwrap().public_key();
    let client = order("CN=x", Profile::Client);

    let server = &plant.server;
    let by_server = refused(issue(&server.certificate, &server.key, &key, &client));
    let not = Refusal::NotAuthority {
        subject: "CN=gateway,O=Plant".to_owned(),
    };
    assert_eq!(by_server, Error::Certificate(not));

    let line = &plant.line;
    let below = order("CN=x", authority(None));
    let too_deep = refused(issue(&line.certificate, &line.key, &key, &below));
    assert!(matches!(
        too_deep,
        Error::Certificate(Refusal::PathLength { limit: 0, .. })
    ));

    let other = refused(issue(&line.certificate, &server.key, &key, &client));
    assert!(
        other.to_string().contains("not that of the issuer"),
        "{other}"
    );
    let late = Order {
        not_after: noon() + 101 * DAY,
        ..client.clone()
    };
    let late = refused(issue(&line.certificate, &line.key, &key, &late));
    assert!(
        late.to_string().contains("longer than its issuer"),
        "{late}"
    );
}

#[test]
fn an_order_that_makes_no_sense_is_refused() {
    let key = PrivateKey::generate().unwrap();
    let good = order("CN=x", Profile::Server);
    let bad = |order: Order, why: &str| {
        let error = refused(self_signed(&key, &order)).to_string();
        assert!(error.contains(why), "{error}");
    };
    for subject in ["", "gateway", "CN", "=x", "NOSUCHNAME=x"] {
        let order = Order {
            subject: subject.to_owned(),
            ..good.clone()
        };
        bad(order, "distinguished name");
    }
    let order = Order {
        not_after: good.not_before - DAY,
        ..good.clone()
    };
    bad(order, "ends before it begins");
    let order = Order {
        hosts: vec![weihe_sm::certificate::Host::Dns("two words".to_owned())],
        ..good
    };
    bad(order, "name of a host");
}

/// A key in a device: it gives signatures and nothing else.
struct Device(PrivateKey, bool);

impl Signer for Device {
    fn public_key(&self) -> weihe_sm::sm2::PublicKey {
        self.0.public_key()
    }

    fn sign(&self, id: &[u8], message: &[u8]) -> Result<Signature, Error> {
        if self.1 {
            self.0.sign(id, message)
        } else {
            Err(Error::Device("it is gone".to_owned()))
        }
    }
}

#[test]
fn a_device_can_sign_certificates() {
    let device = Device(PrivateKey::generate().unwrap(), true);
    let root = self_signed(&device, &order("CN=Device", authority(None))).unwrap();
    root.verify_signature(&device.public_key()).unwrap();
    // Which of several it is may be known only at run time.
    let any: Box<dyn Signer> = Box::new(Device(device.0.clone(), true));
    self_signed(&*any, &order("CN=Device", authority(None))).unwrap();
    let gone = Device(device.0, false);
    let error = refused(self_signed(&gone, &order("CN=Device", authority(None))));
    assert!(error.to_string().contains("it is gone"));
}
