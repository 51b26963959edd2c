//! Certificates and keys in files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use weihe_sm::certificate::Certificate;
use weihe_sm::sm2::PrivateKey;

use super::Common;
use crate::command::{Global, Result as Done};
use crate::config::is_name;
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, print, print_json};
use crate::private::{PrivateError, Written, make_folder, read_private};

/// The longest key that is read: one has some hundred bytes.
const LONGEST: u64 = 1 << 16;

/// How far back certificates begin to be valid.
pub(super) const BACK: Duration = Duration::from_secs(3600);

pub(super) fn of_sm(error: weihe_sm::Error) -> Failure {
    Failure::plain(Text::told(error))
}

/// A text as the value of an attribute (RFC 4514, 2.4).
pub(super) fn escaped(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if "\"+,;<>\\=#".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// A certificate and its key in a folder.
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Those of a name.
    pub(super) fn new(common: &Common, name: &str) -> Result<Self, Failure> {
        if !is_name(name) {
            return Err(Failure::usage(
                say::tls_bad_name(name),
                say::tls_bad_name_help(),
            ));
        }
        let file = |end: &str| common.output.join(format!("{name}.{end}"));
        Ok(Self {
            certificate: file("pem"),
            key: file("key"),
        })
    }

    /// The authority that they are of, with its key.
    pub(super) fn authority(&self) -> Result<(Certificate, PrivateKey), Failure> {
        let missing = |path: &Path, error: std::io::Error| {
            Failure::new(
                say::tls_no_authority(path.display(), Text::told(error)),
                say::tls_no_authority_help(),
            )
        };
        let bad = |path: &Path, error: weihe_sm::Error| {
            Failure::plain(say::tls_bad_file(path.display(), Text::told(error)))
        };
        let certificate = std::fs::read_to_string(&self.certificate)
            .map_err(|error| missing(&self.certificate, error))?;
        let key = read_private(&self.key, LONGEST).map_err(|error| match error {
            PrivateError::Read { source, .. } => missing(&self.key, source),
            other => Failure::plain(Text::told(other)),
        })?;
        let key = String::from_utf8_lossy(&key);
        Ok((
            Certificate::from_pem(&certificate).map_err(|error| bad(&self.certificate, error))?,
            PrivateKey::from_pem(&key, None).map_err(|error| bad(&self.key, error))?,
        ))
    }

    /// Writes both, the key for its owner alone. What is there is never replaced.
    pub(super) fn write(
        &self,
        certificate: &Certificate,
        key: &PrivateKey,
        global: &Global,
    ) -> Done {
        absent(&self.key)?;
        absent(&self.certificate)?;
        if let Some(folder) = self.key.parent() {
            make_folder(folder).map_err(|error| unwritten(folder, error))?;
        }
        // Both are on the disk before one has its name: a full disk leaves none.
        let text = key.to_pkcs8_pem().map_err(of_sm)?;
        let own = Written::new(&self.key, text.as_bytes(), 0o600);
        let own = own.map_err(|error| unwritten(&self.key, error))?;
        let text = certificate.to_pem().map_err(of_sm)?;
        let shown = Written::new(&self.certificate, text.as_bytes(), 0o644);
        let shown = shown.map_err(|error| unwritten(&self.certificate, error))?;
        own.name_it().map_err(|error| unwritten(&self.key, error))?;
        shown.name_it().map_err(|error| {
            // A key without its certificate would only be in the way.
            let _ = std::fs::remove_file(&self.key);
            unwritten(&self.certificate, error)
        })?;
        let (subject, fingerprint) = (certificate.subject(), fingerprint(certificate));
        if global.json {
            print_json(&json!({
                "certificate": self.certificate,
                "key": self.key,
                "subject": subject,
                "sha256": fingerprint,
            }));
        } else {
            let text = say::tls_made(
                self.certificate.display(),
                self.key.display(),
                subject,
                &fingerprint,
            );
            print(&format!("{text}\n"));
        }
        Ok(Outcome::Done)
    }
}

fn fingerprint(certificate: &Certificate) -> String {
    weihe_kernel::event::hex(&Sha256::digest(certificate.to_der()))
}

pub(super) fn absent(path: &Path) -> Result<(), Failure> {
    match path.exists() {
        true => Err(Failure::new(
            say::tls_there(path.display()),
            say::tls_there_help(),
        )),
        false => Ok(()),
    }
}

pub(super) fn unwritten(path: &Path, error: std::io::Error) -> Failure {
    Failure::plain(say::tls_unwritten(path.display(), Text::told(error)))
}
