//! Held against `openssl` 3, in both directions.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use weihe_sm::{
    certificate::{
        Certificate, Check, Profile, Purpose, Refusal, Revoked, issue as issue_certificate, verify,
    },
    request::Request,
    sm2::PrivateKey,
};

use crate::{
    common::openssl,
    plant::{Plant, hosts, noon, order},
};

const ID: &str = "distid:1234567812345678";

fn read(path: &Path, name: &str) -> String {
    fs::read_to_string(path.join(name)).unwrap()
}

fn seconds(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_secs().to_string()
}

#[test]
fn openssl_verifies_our_chains() {
    let folder = tempfile::tempdir().unwrap();
    let (plant, path) = (Plant::new(), folder.path());
    for (name, holder) in [
        ("root.pem", &plant.root),
        ("line.pem", &plant.line),
        ("server.pem", &plant.server),
    ] {
        fs::write(path.join(name), holder.certificate.to_pem().unwrap()).unwrap();
    }
    let at = seconds(noon());
    // OpenSSL 3.0 knows the identity only of the certificate that it is to verify, not of those in between: so it is
    // asked link by link. OpenSSL 4 is asked for the whole chain (python.rs).
    let link = |trusted: &str, name: &str, more: &[&str]| {
        let common = ["verify", "-attime", &at, "-vfyopt", ID, "-x509_strict"];
        let trust = ["-partial_chain", "-trusted", trusted];
        openssl(&[&common[..], &trust, more, &[name]].concat(), path)
    };
    let Some(ran) = link("root.pem", "line.pem", &[]) else {
        return;
    };
    ran.good();
    let said = link("root.pem", "server.pem", &[]).unwrap().bad();
    assert!(said.contains("unable to get local issuer"), "{said}");
    let check = |more: &[&str]| link("line.pem", "server.pem", more);
    check(&["-purpose", "sslserver", "-verify_hostname", "gateway.plant"])
        .unwrap()
        .good();
    check(&["-verify_ip", "192.0.2.7"]).unwrap().good();
    let said = check(&["-verify_hostname", "other.plant"]).unwrap().bad();
    assert!(said.contains("hostname mismatch"), "{said}");
    let said = check(&["-purpose", "sslclient"]).unwrap().bad();
    assert!(said.contains("purpose"), "{said}");
    let shown = openssl(&["x509", "-in", "server.pem", "-noout", "-text"], path)
        .unwrap()
        .good();
    for part in [
        "Signature Algorithm: SM2-with-SM3",
        "CN = gateway",
        "ASN1 OID: SM2",
        "TLS Web Server Authentication",
        "DNS:gateway.plant, DNS:*.line.plant, IP Address:192.0.2.7",
        "Digital Signature",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn openssl_verifies_our_requests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let key = PrivateKey::generate().unwrap();
    let names = hosts(&["pump.plant", "192.0.2.9"]);
    let request = Request::new(&key, "CN=pump,O=Plant", &names).unwrap();
    fs::write(path.join("request.pem"), request.to_pem().unwrap()).unwrap();
    let ask = [
        "req",
        "-in",
        "request.pem",
        "-verify",
        "-noout",
        "-text",
        "-vfyopt",
        ID,
    ];
    let Some(ran) = openssl(&ask, path) else {
        return;
    };
    let shown = ran.good();
    assert!(
        shown.contains("DNS:pump.plant, IP Address:192.0.2.9"),
        "{shown}"
    );
    assert!(
        shown.contains("O = Plant, CN = pump") || shown.contains("CN = pump, O = Plant"),
        "{shown}"
    );
}

const EXTENSIONS: &str = "
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:gateway.plant, IP:192.0.2.7, email:a@b.plant
[constrained]
basicConstraints = critical, CA:TRUE
nameConstraints = critical, permitted;DNS:plant
[strange]
1.2.3.4 = critical, DER:05:00
[req]
distinguished_name = dn
[dn]
";

/// The key and the certificate of a root and of a server, as OpenSSL makes them; nothing without OpenSSL.
fn make(path: &Path) -> Option<()> {
    fs::write(path.join("e.cnf"), EXTENSIONS).unwrap();
    let run = |arguments: &[&str]| openssl(arguments, path).map(|ran| ran.good());
    let curve = "ec_paramgen_curve:SM2";
    for key in ["root.key", "server.key"] {
        run(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            curve,
            "-out",
            key,
        ])?;
    }
    run(&[
        "req",
        "-x509",
        "-new",
        "-key",
        "root.key",
        "-sm3",
        "-sigopt",
        ID,
        "-utf8",
        "-subj",
        "/C=CN/O=某厂/CN=root",
        "-days",
        "30",
        "-config",
        "e.cnf",
        "-extensions",
        "ca",
        "-out",
        "root.pem",
    ])?;
    run(&[
        "req",
        "-new",
        "-key",
        "server.key",
        "-sm3",
        "-sigopt",
        ID,
        "-subj",
        "/CN=gateway",
        "-config",
        "e.cnf",
        "-reqexts",
        "server",
        "-out",
        "request.pem",
    ])?;
    issue(path, "server", "server.pem")
}

/// Has OpenSSL issue a certificate of its request with one of the lists of extensions.
fn issue(path: &Path, extensions: &str, out: &str) -> Option<()> {
    let run = openssl(
        &[
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-CA",
            "root.pem",
            "-CAkey",
            "root.key",
            "-CAcreateserial",
            "-sm3",
            "-sigopt",
            ID,
            "-vfyopt",
            ID,
            "-days",
            "10",
            "-extfile",
            "e.cnf",
            "-extensions",
            extensions,
            "-out",
            out,
        ],
        path,
    )?;
    run.good();
    Some(())
}

#[test]
fn we_verify_the_chains_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if make(path).is_none() {
        return;
    }
    let root = Certificate::from_pem(&read(path, "root.pem")).unwrap();
    assert_eq!(root.subject(), "CN=root,O=某厂,C=CN");
    let server = Certificate::from_pem(&read(path, "server.pem")).unwrap();
    assert_eq!(server.hosts(), hosts(&["gateway.plant", "192.0.2.7"]));
    let now = SystemTime::now() + Duration::from_secs(5);
    let host = "gateway.plant".parse().unwrap();
    let check = Check::new(now, Purpose::Server).host(&host);
    let roots = [root.clone()];
    assert_eq!(verify(&server, &[], &roots, &check).unwrap().len(), 2);
    let client = Check::new(now, Purpose::Client);
    let refused = verify(&server, &[], &roots, &client).unwrap_err();
    assert!(matches!(refused, Refusal::Purpose { .. }), "{refused}");
    let late = Check::new(now + Duration::from_secs(11 * 24 * 3600), Purpose::Server);
    let refused = verify(&server, &[], &roots, &late).unwrap_err();
    assert!(matches!(refused, Refusal::Expired { .. }), "{refused}");

    // Its key, and its request.
    let key = PrivateKey::from_pem(&read(path, "server.key"), None).unwrap();
    assert_eq!(key.public_key(), server.public_key());
    let request = Request::from_pem(&read(path, "request.pem")).unwrap();
    request.verify().unwrap();
    assert_eq!(request.subject(), "CN=gateway");
    assert_eq!(request.hosts(), server.hosts());
}

#[test]
fn what_a_certificate_demands_and_is_not_understood_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if make(path).is_none() {
        return;
    }
    let roots = [Certificate::from_pem(&read(path, "root.pem")).unwrap()];
    let check = Check::new(SystemTime::now() + Duration::from_secs(5), Purpose::Any);
    for (extensions, oid) in [("constrained", "2.5.29.30"), ("strange", "1.2.3.4")] {
        issue(path, extensions, "other.pem").unwrap();
        let other = Certificate::from_pem(&read(path, "other.pem")).unwrap();
        let refused = verify(&other, &[], &roots, &check).unwrap_err();
        let expected = Refusal::Extension {
            subject: "CN=gateway".to_owned(),
            extension: oid.to_owned(),
        };
        assert_eq!(refused, expected);
    }
}

#[test]
fn a_certificate_signed_under_another_identity_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if make(path).is_none() {
        return;
    }
    let other = [
        "req",
        "-x509",
        "-new",
        "-key",
        "root.key",
        "-sm3",
        "-sigopt",
        "distid:someone",
        "-subj",
        "/CN=x",
        "-out",
        "other.pem",
    ];
    openssl(&other, path).unwrap().good();
    let other = Certificate::from_pem(&read(path, "other.pem")).unwrap();
    let refused = other.verify_signature(&other.public_key()).unwrap_err();
    assert!(matches!(refused, Refusal::Signature { .. }), "{refused}");
}

#[test]
fn a_certificate_of_another_algorithm_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let new = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-noenc",
        "-keyout",
        "p.key",
        "-subj",
        "/CN=p256",
        "-out",
        "p256.pem",
    ];
    let Some(ran) = openssl(&new, path) else {
        return;
    };
    ran.good();
    let refused = Certificate::from_pem(&read(path, "p256.pem"))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("another curve (1.2.840.10045.3.1.7)"),
        "{refused}"
    );
}

#[test]
fn a_name_in_a_request_of_openssl_can_be_ordered_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if make(path).is_none() {
        return;
    }
    let plant = Plant::new();
    for subject in [
        "/C=CN/ST=北京/L=海淀/O=某厂/OU=一车间/CN=网关 7",
        "/CN=a/emailAddress=a@b.plant/serialNumber=0042",
        "/DC=plant/DC=line/UID=u7/CN=x",
        "/title=t/GN=g/SN=s/initials=i/pseudonym=p/generationQualifier=q/dnQualifier=d/CN=x",
        "/street=s/postalCode=1/businessCategory=b/description=d/CN=a, b=c",
        "/jurisdictionC=CN/organizationIdentifier=NTRCN-1/CN=x",
    ] {
        let ask = [
            "req",
            "-new",
            "-key",
            "server.key",
            "-sm3",
            "-sigopt",
            ID,
            "-utf8",
            "-subj",
            subject,
            "-out",
            "named.pem",
        ];
        openssl(&ask, path).unwrap().good();
        let request = Request::from_pem(&read(path, "named.pem")).unwrap();
        let order = order(&request.subject(), Profile::Client);
        let (line, key) = (&plant.line, request.public_key());
        let issued = issue_certificate(&line.certificate, &line.key, &key, &order).unwrap();
        assert_eq!(issued.subject(), request.subject(), "{subject}");
    }
}

#[test]
fn a_fingerprint_that_openssl_shows_revokes_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if make(path).is_none() {
        return;
    }
    let roots = [Certificate::from_pem(&read(path, "root.pem")).unwrap()];
    let server = Certificate::from_pem(&read(path, "server.pem")).unwrap();
    let check = Check::new(SystemTime::now() + Duration::from_secs(5), Purpose::Server);
    for what in ["-fingerprint -sm3", "-fingerprint -sha256", "-serial"] {
        let ask = ["x509", "-in", "server.pem", "-noout"];
        let what: Vec<_> = what.split(' ').collect();
        let said = openssl(&[&ask[..], &what].concat(), path).unwrap().good();
        let (_, text) = said.split_once('=').unwrap();
        let mut revoked = Revoked::new();
        revoked.add(text).unwrap();
        let refused = verify(&server, &[], &roots, &check.revoked(&revoked)).unwrap_err();
        assert!(matches!(refused, Refusal::Revoked { .. }), "{what:?}");
    }
}
