//! `[control]`: the door for operators on the network, off by default.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use weihe_kernel::event::hex;

use super::document::Node;
use super::fault::Fault;
use super::section::{Section, wrong_type};
use super::shape;
use crate::control::Role;
use crate::tls::{Server, Suites};

/// How a fingerprint begins in `[control.roles]`.
const SHA256: &str = "sha256:";
const SM3: &str = "sm3:";

/// `[control]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlEntry {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What is spoken; clients always show a certificate.
    pub tls: Server,
    /// Roles by common name.
    names: BTreeMap<String, Role>,
    /// Roles by fingerprint, as it is written, which come before those by name.
    fingerprints: BTreeMap<String, Role>,
}

impl ControlEntry {
    /// The role of a certificate.
    pub fn role(&self, name: &Option<String>, certificate: &[u8]) -> Option<Role> {
        let sha256 = format!("{SHA256}{}", hex(&Sha256::digest(certificate)));
        let sm3 = format!("{SM3}{}", hex(&weihe_sm::sm3::digest(certificate)));
        let by_print = [sha256, sm3]
            .into_iter()
            .find_map(|print| self.fingerprints.get(&print));
        let by_name = || self.names.get(name.as_ref()?);
        by_print.or_else(by_name).copied()
    }
}

pub(super) fn read(
    directory: &Path,
    top: &Section<'_>,
    faults: &mut Vec<Fault>,
) -> Option<ControlEntry> {
    let section = top.section("control", "`[control]`".to_owned(), faults)?;
    section.only(shape::CONTROL.all(), faults);
    let before = faults.len();
    let listen = listen(&section, faults);
    let suites = suites(&section, faults);
    let names = section.texts("cipher-suites", faults);
    let cipher_suites = cipher_suites(suites, names, faults);
    let mut file = |key: &str, example: &str| -> PathBuf {
        let found = section.required_text(key, example, faults);
        found
            .map(|(name, _)| directory.join(name))
            .unwrap_or_default()
    };
    let trust = file("trust", "tls/ca.pem");
    let certificate = file("certificate", "tls/gateway.pem");
    let key = file("key", "tls/gateway.key");
    let (names, fingerprints) = roles(&section, faults);
    let entry = ControlEntry {
        listen: listen?,
        tls: Server {
            suites,
            cipher_suites,
            clients: Some(trust),
            anonymous: false,
            identity: (certificate, key),
        },
        names,
        fingerprints,
    };
    (faults.len() == before).then_some(entry)
}

fn listen(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<SocketAddr> {
    let (text, span) = section.required_text("listen", "127.0.0.1:7443", faults)?;
    let address = text.parse().ok();
    if address.is_none() {
        let message =
            format!("`listen` of `[control]` is \"{text}\", not an IP address and a port");
        let help = "write an IP address of this machine, like listen = \"127.0.0.1:7443\"";
        faults.push(Fault::new(span, message, "no address").help(help));
    }
    address
}

fn suites(section: &Section<'_>, faults: &mut Vec<Fault>) -> Suites {
    let Some((text, span)) = section.text("suites", faults) else {
        return Suites::default();
    };
    text.parse().unwrap_or_else(|_| {
        let message = format!("`suites` of {} is \"{text}\"", section.title);
        let help = "take \"guomi\" or \"standard\"";
        faults.push(Fault::new(span, message, "unknown").help(help));
        Suites::default()
    })
}

fn cipher_suites(
    suites: Suites,
    names: Vec<(String, std::ops::Range<usize>)>,
    faults: &mut Vec<Fault>,
) -> Vec<String> {
    for (name, span) in &names {
        if let Err(error) = suites.knows(name) {
            faults.push(Fault::new(span.clone(), error.to_string(), "unknown"));
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

type Roles = BTreeMap<String, Role>;

/// Roles by name, and by fingerprint.
fn roles(section: &Section<'_>, faults: &mut Vec<Fault>) -> (Roles, Roles) {
    let (mut names, mut prints) = (Roles::new(), Roles::new());
    let title = "`[control.roles]`".to_owned();
    let Some(section) = section.section("roles", title, faults) else {
        return (names, prints);
    };
    for entry in section.table.iter() {
        let Node::Scalar(toml::Value::String(text)) = &entry.item.node else {
            faults.push(wrong_type(&entry.key, &entry.item, "a text"));
            continue;
        };
        let role: Role = match text.parse() {
            Ok(role) => role,
            Err(_) => {
                let message = format!("the role of `{}` is \"{text}\"", entry.key);
                let help = "take \"read\", \"operate\" or \"admin\"";
                faults.push(Fault::new(entry.item.span.clone(), message, "no role").help(help));
                continue;
            }
        };
        let is_print = entry.key.starts_with(SHA256) || entry.key.starts_with(SM3);
        if !is_print {
            names.insert(entry.key.clone(), role);
            continue;
        }
        // As tools print it, with colons and capitals, too.
        let (kind, digits) = entry.key.split_once(':').unwrap_or_default();
        let digits = digits.replace(':', "").to_ascii_lowercase();
        let is_whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_whole {
            let message = format!("`{}` in `[control.roles]` is no fingerprint", entry.key);
            let help = "64 hexadecimal digits behind `sha256:` or `sm3:`";
            faults.push(Fault::new(entry.key_span.clone(), message, "no fingerprint").help(help));
            continue;
        }
        prints.insert(format!("{kind}:{digits}"), role);
    }
    (names, prints)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{Config, LoadError};

    const DOOR: &str = "[control]\nlisten = \"127.0.0.1:7443\"\ntrust = \"ca.pem\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";

    fn parse(text: &str) -> Result<Option<ControlEntry>, String> {
        match Config::parse(Path::new("/nowhere"), text) {
            Ok(config) => Ok(config.control),
            Err(LoadError::Invalid(invalid)) => {
                let all: Vec<String> = invalid.problems().iter().map(ToString::to_string).collect();
                Err(all.join("\n"))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn there_is_no_door_until_it_is_asked_for_and_a_certificate_without_a_role_has_none() {
        assert_eq!(parse("").unwrap(), None);
        let entry = parse(DOOR).unwrap().unwrap();
        assert_eq!(entry.tls.suites, Suites::Guomi);
        assert_eq!(entry.role(&Some("panel".to_owned()), b"x"), None);
    }

    #[test]
    fn a_fingerprint_comes_before_a_name_and_no_name_passes_for_one() {
        let print = hex(&Sha256::digest(b"x")).to_uppercase();
        let text =
            format!("{DOOR}[control.roles]\npanel = \"read\"\n\"sha256:{print}\" = \"admin\"\n");
        let entry = parse(&text).unwrap().unwrap();
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(entry.role(&name("panel"), b"y"), Some(Role::Read));
        assert_eq!(entry.role(&name("panel"), b"x"), Some(Role::Admin));
        assert_eq!(entry.role(&None, b"x"), Some(Role::Admin));
        let sly = format!("sha256:{}", print.to_lowercase());
        assert_eq!(entry.role(&Some(sly), b"y"), None);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, words) in [
            ("[control]\n", "`[control]` has no `listen`"),
            (
                &*DOOR.replace("127.0.0.1:7443", "here"),
                "not an IP address and a port",
            ),
            (&*format!("{DOOR}suites = \"both\"\n"), "`suites`"),
            (
                &*format!("{DOOR}cipher-suites = [\"TLS_AES_128_GCM_SHA256\"]\n"),
                "no cipher suite",
            ),
            (
                &*format!("{DOOR}[control.roles]\npanel = \"root\"\n"),
                "the role of `panel`",
            ),
            (
                &*format!("{DOOR}[control.roles]\n\"sm3:12\" = \"read\"\n"),
                "no fingerprint",
            ),
        ] {
            let faults = parse(text).unwrap_err();
            assert!(faults.contains(words), "{faults}");
        }
    }
}
