//! Certificates written by hand, part by part, and signed by a root that is trusted.

use weihe_sm::{
    Error,
    certificate::{Certificate, Check, Host, Purpose, verify},
    sm2::{DEFAULT_ID, PrivateKey},
};

use crate::{
    common::der::{bits, element, integer, octets, oid, sequence},
    plant::noon,
};

pub const SM2_SM3: &str = "1.2.156.10197.1.501";
pub const BASIC: &str = "2.5.29.19";
pub const USAGE: &str = "2.5.29.15";
pub const PURPOSES: &str = "2.5.29.37";
pub const NAMES: &str = "2.5.29.17";
pub const TRUE: &[u8] = &[1, 1, 0xff];
pub const FALSE: &[u8] = &[1, 1, 0];

pub fn key(number: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[number; 32]).unwrap()
}

pub fn name(common: &str) -> Vec<u8> {
    let one = sequence(&[&oid("2.5.4.3"), &element(0x0c, common)]);
    sequence(&[&element(0x31, one)])
}

pub fn utc(text: &str) -> Vec<u8> {
    element(0x17, text)
}

pub fn generalized(text: &str) -> Vec<u8> {
    element(0x18, text)
}

pub fn extension(id: &str, critical: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), critical, &octets(value)])
}

pub fn authority(path_length: Option<&[u8]>) -> Vec<u8> {
    let length = path_length.map(integer).unwrap_or_default();
    extension(BASIC, TRUE, &sequence(&[TRUE, &length]))
}

/// Bits of key usage, the first being the highest (RFC 5280, 4.2.1.3).
pub fn usage(bits: u8, unused: u8) -> Vec<u8> {
    extension(USAGE, TRUE, &element(3, [unused, bits]))
}

pub fn dns(host: &str) -> Vec<u8> {
    extension(NAMES, &[], &sequence(&[&element(0x82, host)]))
}

/// The parts of a certificate (RFC 5280, 4.1).
#[derive(Clone)]
pub struct Crafted {
    pub version: Vec<u8>,
    pub serial: Vec<u8>,
    pub inner: Vec<u8>,
    pub issuer: Vec<u8>,
    pub validity: Vec<u8>,
    pub subject: Vec<u8>,
    pub public: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
    pub outer: Vec<u8>,
    pub by: PrivateKey,
}

impl Crafted {
    pub fn new(subject: &str, number: u8, issuer: &str, by: u8) -> Self {
        let algorithm = sequence(&[&oid(SM2_SM3)]);
        Self {
            version: element(0xa0, integer([2])),
            serial: integer([0x40, number]),
            inner: algorithm.clone(),
            issuer: name(issuer),
            validity: sequence(&[&utc("200101000000Z"), &utc("400101000000Z")]),
            subject: name(subject),
            public: key(number).public_key().to_der().unwrap(),
            extensions: Vec::new(),
            outer: algorithm,
            by: key(by),
        }
    }

    pub fn root() -> Self {
        Self {
            extensions: vec![authority(None), usage(0x06, 1)],
            ..Self::new("Root", 1, "Root", 1)
        }
    }

    pub fn server() -> Self {
        Self {
            extensions: vec![dns("gateway.plant"), usage(0x80, 7)],
            ..Self::new("gateway", 2, "Root", 1)
        }
    }

    pub fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    pub fn only(mut self, extensions: &[Vec<u8>]) -> Self {
        self.extensions = extensions.to_vec();
        self
    }

    pub fn body(&self) -> Vec<u8> {
        let extensions = match self.extensions.as_slice() {
            [] => vec![],
            list => element(0xa3, element(0x30, list.concat())),
        };
        sequence(&[
            &self.version,
            &self.serial,
            &self.inner,
            &self.issuer,
            &self.validity,
            &self.subject,
            &self.public,
            &extensions,
        ])
    }

    pub fn signature(&self) -> Vec<u8> {
        self.by.sign(DEFAULT_ID, &self.body()).unwrap().to_der()
    }

    pub fn der(&self) -> Vec<u8> {
        sequence(&[&self.body(), &self.outer, &bits(self.signature())])
    }

    pub fn read(&self) -> Result<Certificate, Error> {
        Certificate::from_der(&self.der())
    }

    /// What is said of it as a server at noon, under the root and with others sent along.
    pub fn says(&self, between: &[&Self]) -> Result<usize, Error> {
        let roots = [Self::root().read().unwrap()];
        let between: Vec<_> = between.iter().map(|one| one.read().unwrap()).collect();
        let host: Host = "gateway.plant".parse().unwrap();
        let check = Check::new(noon(), Purpose::Server).host(&host);
        Ok(verify(&self.read()?, &between, &roots, &check)?.len())
    }
}

#[track_caller]
pub fn malformed(why: &str, certificate: &Crafted) {
    match certificate.read() {
        Err(Error::Form { .. } | Error::PublicKey) => {}
        other => panic!("{why}: {other:?}"),
    }
}

/// Refused, whether when it is read or when it is verified.
#[track_caller]
pub fn refused(why: &str, certificate: &Crafted) -> Error {
    match certificate.says(&[]) {
        Ok(_) => panic!("{why} passes"),
        Err(error) => error,
    }
}
