//! The certificate of who signs plugins: for a key that stays where it is, or with one.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weihe_sm::certificate::{Certificate, Fingerprint, Profile, issue};
use weihe_sm::request::Request;

use super::made::{Files, absent, of_sm, unwritten};
use super::{Common, issued, order, within};
use crate::command::key::make::read;
use crate::command::{Global, Result};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, print, print_json};
use crate::private::{Written, make_folder};

#[derive(Debug, Args)]
pub(super) struct Signer {
    /// Its name: NAME.pem is made, and NAME.key where there is no request
    #[arg(value_name = "NAME")]
    name: String,
    /// The request that `weihe key csr` has written; the key stays where it is
    #[arg(short, long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// How many days it may sign
    #[arg(long, value_name = "DAYS", default_value_t = 397, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    #[command(flatten)]
    common: Common,
}

impl Signer {
    pub(super) fn run(self, global: &Global) -> Result {
        let order = order(&self.name, Profile::CodeSigning, Vec::new(), self.days);
        let Some(file) = &self.request else {
            return issued(&self.common, &self.name, order, global);
        };
        // Says what is wrong with the name, before anything is read.
        Files::new(&self.common, &self.name)?;
        let request = request(file)?;
        let (authority, signer) = Files::new(&self.common, "ca")?.authority()?;
        let mut order = within(order, &authority);
        order.subject = request.subject();
        let certificate =
            issue(&authority, &signer, &request.public_key(), &order).map_err(of_sm)?;
        let path = self.common.output.join(format!("{}.pem", self.name));
        put(&path, &certificate.to_pem().map_err(of_sm)?)?;
        self.done(&path, &certificate, global)
    }

    fn done(&self, path: &Path, certificate: &Certificate, global: &Global) -> Result {
        let subject = certificate.subject();
        let fingerprint = Fingerprint::sha256_of(certificate);
        if global.json {
            print_json(&json!({
                "certificate": path,
                "subject": subject,
                "sha256": fingerprint.digits(),
            }));
            return Ok(Outcome::Done);
        }
        let made = say::tls_signer_made(path.display(), subject, fingerprint.to_string());
        let next = say::tls_signer_next(path.display());
        print(&format!("{made}\n{next}\n"));
        Ok(Outcome::Done)
    }
}

/// A request whose sender has the key that it is for.
fn request(file: &Path) -> std::result::Result<Request, Failure> {
    let bytes = read(file)?;
    let request = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN ") => Request::from_pem(text),
        _ => Request::from_der(&bytes),
    };
    let verified = request.and_then(|request| {
        request.verify()?;
        Ok(request)
    });
    verified.map_err(|error| Failure::plain(say::tls_bad_file(file.display(), Text::told(error))))
}

/// Writes a file for all to read, whole or not at all. What is there is never replaced.
fn put(path: &Path, text: &str) -> std::result::Result<(), Failure> {
    absent(path)?;
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(|error| unwritten(folder, error))?;
    }
    let written = Written::new(path, text.as_bytes(), 0o644);
    written
        .and_then(Written::name_it)
        .map_err(|error| unwritten(path, error))
}
