//! What changes the key store.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weihe_guomi::keys::folder::{Kind as Protected, Protection};
use weihe_guomi::keys::{Algorithm, KeyError, NewKey, Secret};
use weihe_sm::certificate::{Certificate as Issued, path};
use weihe_sm::sm2::PrivateKey;
use zeroize::Zeroizing;

use super::asked::{self, Opened};
use super::shown;
use super::{Kind, Which, failed, of_sm};
use crate::command::{Global, Result};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, print, print_json};

/// The longest file of a key or certificate that is read.
const LONGEST: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct New {
    /// Its name: lower-case letters, digits, `-` and `_`
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    kind: Kind,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The key: PEM or DER for SM2; its bytes, or hexadecimal digits, for the others
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its name [default: that of the file]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    kind: Kind,
}

#[derive(Debug, Args)]
pub(super) struct Certificate {
    /// The key
    #[arg(value_name = "NAME")]
    which: Which,
    /// The certificate in PEM or DER; in PEM, those of its issuers may stand by it
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The key
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Destroy {
    /// The key, or one version of it: `meter@1`
    #[arg(value_name = "NAME")]
    which: Which,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Protect {
    /// Bind it to this machine, in place of a passphrase
    #[arg(long)]
    machine_bound: bool,
}

impl New {
    pub(super) fn run(self, global: &Global) -> Result {
        let new = NewKey {
            name: self.name,
            algorithm: self.kind.algorithm,
            uses: self.kind.uses(),
            exportable: self.kind.exportable,
        };
        new.check().map_err(failed)?;
        let opened = Opened::of(global)?;
        let made = opened.ensure(self.kind.machine_bound)?;
        say_made(&opened, made, global);
        let about = opened.store.generate(&new).map_err(failed)?;
        shown::done(
            &about,
            &say::key_made(&about.name, about.algorithm.name()),
            global,
        )
    }
}

/// Says that there is a store from now on, and what that means.
fn say_made(opened: &Opened, made: Option<Protected>, global: &Global) {
    let folder = opened.folder.path().display();
    let text = match made {
        Some(Protected::Passphrase) => say::key_store_passphrase(folder),
        Some(Protected::Machine) => say::key_store_machine(folder),
        None => return,
    };
    if !global.json {
        print(&format!("{text}\n"));
    }
}

impl Import {
    pub(super) fn run(self, global: &Global) -> Result {
        let stem = || {
            self.file
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        };
        let new = NewKey {
            name: self.name.clone().or_else(stem).unwrap_or_default(),
            algorithm: self.kind.algorithm,
            uses: self.kind.uses(),
            exportable: self.kind.exportable,
        };
        new.check().map_err(failed)?;
        let bytes = read(&self.file)?;
        let secret = match new.algorithm {
            Algorithm::Sm2 => Secret::Sm2(private_key(&self.file, &bytes)?),
            other => Secret::from_bytes(other, &raw(&bytes)).map_err(failed)?,
        };
        let opened = Opened::of(global)?;
        let made = opened.ensure(self.kind.machine_bound)?;
        say_made(&opened, made, global);
        let about = opened.store.import(&new, &secret).map_err(failed)?;
        shown::done(
            &about,
            &say::key_imported(&about.name, about.algorithm.name()),
            global,
        )
    }
}

/// A key of SM2, whose passphrase is asked for where it has one.
pub(in crate::command) fn private_key(
    file: &Path,
    bytes: &[u8],
) -> std::result::Result<PrivateKey, Failure> {
    let read = |passphrase: Option<&[u8]>| match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN ") => PrivateKey::from_pem(text, passphrase),
        _ => PrivateKey::from_der(bytes, passphrase),
    };
    match read(None) {
        Err(weihe_sm::Error::Encrypted) => {
            read(Some(asked::of_file(file)?.as_bytes())).map_err(of_sm)
        }
        read => read.map_err(of_sm),
    }
}

/// The bytes of a symmetric key: those that digits stand for, where there is nothing else.
fn raw(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(bytes.trim_ascii().to_vec());
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    let (pairs, rest) = digits.as_chunks::<2>();
    let read = pairs.iter().map(|[high, low]| {
        let byte = value(high)? << 4 | value(low)?;
        u8::try_from(byte).ok()
    });
    match read.collect::<Option<Vec<u8>>>() {
        Some(read) if rest.is_empty() && !read.is_empty() => Zeroizing::new(read),
        _ => Zeroizing::new(bytes.to_vec()),
    }
}

pub(in crate::command) fn read(file: &Path) -> std::result::Result<Zeroizing<Vec<u8>>, Failure> {
    let fault = |source| {
        failed(KeyError::File {
            what: "cannot read",
            path: file.to_owned(),
            source,
        })
    };
    let size = std::fs::metadata(file).map_err(fault)?.len();
    if size > LONGEST {
        return Err(Failure::plain(say::key_file_long(
            file.display(),
            LONGEST.to_string(),
        )));
    }
    std::fs::read(file).map(Zeroizing::new).map_err(fault)
}

impl Certificate {
    pub(super) fn run(self, global: &Global) -> Result {
        let bytes = read(&self.file)?;
        let answered = match std::str::from_utf8(&bytes) {
            Ok(text) if text.contains("-----BEGIN ") => Issued::all_from_pem(text),
            _ => Issued::from_der(&bytes).map(|certificate| vec![certificate]),
        };
        let answered = answered.map_err(of_sm)?;
        let opened = Opened::of(global)?;
        let Which { name, version } = self.which;
        let key = opened.store.open(&name, version).map_err(failed)?;
        let version = key.about().version;
        let public = key.about().public_key;
        let mut own = answered.iter();
        let own = own.find(|certificate| public == Some(certificate.public_key()));
        let Some(certificate) = own else {
            return Err(failed(KeyError::OtherCertificate { name, version }));
        };
        // Those of its issuers come along where they were answered: `weihe sign` hands them on.
        let chain = path(certificate, &answered);
        let ders: Vec<Vec<u8>> = chain.iter().map(|one| one.to_der().to_vec()).collect();
        let attached = opened.store.attach(&name, Some(version), &ders);
        let about = attached.map_err(failed)?;
        let issuers: Vec<_> = chain.iter().skip(1).map(Issued::subject).collect();
        let subject = certificate.subject();
        let done = match issuers.as_slice() {
            [] => say::key_certified(subject, &name),
            issuers => say::key_certified_chain(subject, &name, issuers.join("; ")),
        };
        shown::done(&about, &done, global)
    }
}

impl Rotate {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        let about = opened.store.rotate(&self.name).map_err(failed)?;
        shown::done(
            &about,
            &say::key_rotated(&about.name, about.version.to_string()),
            global,
        )
    }
}

impl Destroy {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        let Which { name, version } = self.which;
        if !self.yes {
            let question = match version {
                Some(version) => say::key_destroy_version(version.to_string(), &name),
                None => say::key_destroy_all(&name),
            };
            if !asked::confirmed(&question, &name)? {
                return Err(Failure::plain(say::key_kept(&name)));
            }
        }
        let destroyed = opened.store.destroy(&name, version).map_err(failed)?;
        if global.json {
            print_json(&json!({ "name": name, "destroyed": destroyed }));
            return Ok(Outcome::Done);
        }
        let list: Vec<_> = destroyed.iter().map(u32::to_string).collect();
        print(&format!("{}\n", say::key_destroyed(&name, list.join(", "))));
        print(&format!("{}\n", say::key_destroyed_note()));
        Ok(Outcome::Done)
    }
}

impl Protect {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        // The passphrase of now first, whoever asks for both.
        opened.store.list().map_err(failed)?;
        let protection = match self.machine_bound {
            true => Protection::Machine,
            false => Protection::Passphrase(opened.next()?, opened.entry.rounds),
        };
        opened.folder.protect(&protection).map_err(failed)?;
        opened.store.was_protected();
        let folder = opened.folder.path().display();
        let text: Text = match self.machine_bound {
            true => say::key_store_machine(folder),
            false => say::key_store_passphrase(folder),
        };
        match global.json {
            true => print_json(&json!({ "machine_bound": self.machine_bound })),
            false => print(&format!("{text}\n{}\n", say::key_resealed())),
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_key_is_read_from_digits_and_from_bytes() {
        assert_eq!(&**raw(b"00ff10\n"), [0, 255, 16]);
        assert_eq!(&**raw(b"not digits at all"), b"not digits at all");
        assert_eq!(&**raw(&[7; 16]), [7; 16]);
    }
}
