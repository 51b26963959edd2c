//! A plant with its authorities: what the tests issue.

use std::time::{Duration, SystemTime};

use weihe_sm::{
    certificate::{
        Certificate, Check, Host, Order, Profile, Purpose, Refusal, issue, self_signed, verify,
    },
    sm2::PrivateKey,
};

/// 2030-01-01T00:00:00Z: when everything here is valid.
pub fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000)
}

pub const DAY: Duration = Duration::from_secs(24 * 3600);

pub fn order(subject: &str, profile: Profile) -> Order {
    Order {
        subject: subject.to_owned(),
        profile,
        hosts: Vec::new(),
        not_before: noon() - 100 * DAY,
        not_after: noon() + 100 * DAY,
    }
}

pub fn authority(path_length: Option<u8>) -> Profile {
    Profile::Authority { path_length }
}

/// A certificate and its key.
pub struct Holder {
    pub key: PrivateKey,
    pub certificate: Certificate,
}

impl Holder {
    pub fn root(order: &Order) -> Self {
        let key = PrivateKey::generate().unwrap();
        Self {
            certificate: self_signed(&key, order).unwrap(),
            key,
        }
    }

    pub fn issues(&self, order: &Order) -> Self {
        let key = PrivateKey::generate().unwrap();
        let public = key.public_key();
        Self {
            certificate: issue(&self.certificate, &self.key, &public, order).unwrap(),
            key,
        }
    }
}

/// A root, an authority below it, and a server.
pub struct Plant {
    pub root: Holder,
    pub line: Holder,
    pub server: Holder,
}

impl Plant {
    pub fn new() -> Self {
        let root = Holder::root(&order("CN=Plant root,O=Plant", authority(Some(1))));
        let line = root.issues(&order("CN=Line 1,O=Plant", authority(Some(0))));
        let server = line.issues(&Order {
            hosts: hosts(&["gateway.plant", "*.line.plant", "192.0.2.7", "2001:db8::7"]),
            ..order("CN=gateway,O=Plant", Profile::Server)
        });
        Self { root, line, server }
    }

    /// What is said of a certificate at noon with the root trusted.
    pub fn says(&self, certificate: &Certificate, purpose: Purpose) -> Result<usize, Refusal> {
        self.checks(certificate, &Check::new(noon(), purpose))
    }

    pub fn checks(&self, certificate: &Certificate, check: &Check<'_>) -> Result<usize, Refusal> {
        let between = [self.line.certificate.clone()];
        let roots = [self.root.certificate.clone()];
        verify(certificate, &between, &roots, check).map(|chain| chain.len())
    }
}

pub fn hosts(names: &[&str]) -> Vec<Host> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}
