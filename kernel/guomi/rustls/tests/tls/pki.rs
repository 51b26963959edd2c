//! The certificates of `tests/pki`.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_guomi::{certified_key_from_pem, client_config, roots_from_pem, server_config};

pub fn path(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pki");
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

pub fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn roots() -> RootCertStore {
    roots_from_pem(&read("root.pem")).unwrap()
}

/// The certificate and the key of one name.
pub fn identity(name: &str) -> Arc<CertifiedKey> {
    let (chain, key) = (
        read(&format!("{name}.pem")),
        read(&format!("{name}.key.pem")),
    );
    certified_key_from_pem(&chain, &key).unwrap()
}

pub fn chain(name: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(&read(name))
        .collect::<Result<_, _>>()
        .unwrap()
}

pub fn revoked() -> Vec<CertificateRevocationListDer<'static>> {
    vec![CertificateRevocationListDer::from_pem_slice(&read("crl.pem")).unwrap()]
}

/// A client that trusts the root and has no certificate.
pub fn client() -> Arc<ClientConfig> {
    Arc::new(client_config(roots()).build().unwrap())
}

/// A server that lets everyone in.
pub fn server() -> Arc<ServerConfig> {
    Arc::new(server_config(identity("server")).build().unwrap())
}
