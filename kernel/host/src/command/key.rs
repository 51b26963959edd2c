//! `weihe key`: the keys of a system, in the files of its key store; no host has to run.

pub(super) mod asked;
pub(super) mod make;
pub(super) mod out;
mod shown;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use weihe_guomi::keys::{Algorithm, KeyError, Use, Uses};

use super::{Global, Result};
use crate::language::Text;
use crate::output::Failure;

/// Make, list, use and destroy keys
#[derive(Debug, Args)]
#[command(
    after_help = "A name stands for the version in use; `valve@1` for version 1. The passphrase is asked for, unless\nWEIHE_KEY_PASSPHRASE has it, or the file that `passphrase-file` in [keys] names. WEIHE_KEYSTORE names\nanother folder than [keys] does.\n\nExamples:\n  weihe key new gateway\n  weihe key csr gateway --subject CN=gateway,O=Plant --dns gateway.plant\n  weihe key certificate gateway gateway.pem\n  weihe key new meter --algorithm sm4 --use encrypt,decrypt\n  weihe key export gateway --public\n  weihe key rotate meter\n  weihe key destroy meter@1"
)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key, and the key store where there is none yet
    New(make::New),
    /// List all versions of all keys
    List(shown::List),
    /// Show a key, with its public key and certificate
    Show(shown::Show),
    /// Take in a key that was made elsewhere
    Import(make::Import),
    /// Write out a public key, or the key itself where it is exportable
    Export(out::Export),
    /// Write a request for a certificate
    Csr(out::Csr),
    /// Attach a certificate to a key
    Certificate(make::Certificate),
    /// Make a new version of a key; the old ones still verify and decrypt
    Rotate(make::Rotate),
    /// Destroy a key for good, with all its versions or one of them
    Destroy(make::Destroy),
    /// Put the key store under another passphrase, or bind it to the machine
    Protect(make::Protect),
}

impl KeyCommand {
    pub(super) fn run(self, global: &Global) -> Result {
        match self.what {
            What::New(new) => new.run(global),
            What::List(list) => list.run(global),
            What::Show(show) => show.run(global),
            What::Import(import) => import.run(global),
            What::Export(export) => export.run(global),
            What::Csr(csr) => csr.run(global),
            What::Certificate(certificate) => certificate.run(global),
            What::Rotate(rotate) => rotate.run(global),
            What::Destroy(destroy) => destroy.run(global),
            What::Protect(protect) => protect.run(global),
        }
    }
}

/// What a new key is to be.
#[derive(Debug, Args)]
struct Kind {
    /// What it is for: sm2, sm4 or hmac-sm3
    #[arg(short, long, value_name = "ALGORITHM", default_value = "sm2")]
    algorithm: Algorithm,
    /// What it may be used to: sign, verify, encrypt, decrypt, mac, agree [default: all that it can]
    #[arg(
        id = "uses",
        short,
        long = "use",
        value_name = "USE",
        value_delimiter = ','
    )]
    uses: Vec<Use>,
    /// Let it be taken out later; without this it never can
    #[arg(long)]
    exportable: bool,
    /// Bind a new key store to this machine, in place of a passphrase
    #[arg(long)]
    machine_bound: bool,
}

impl Kind {
    fn uses(&self) -> Uses {
        match self.uses.is_empty() {
            true => self.algorithm.uses(),
            false => self.uses.iter().copied().collect(),
        }
    }
}

/// A key, or one version of it: `valve`, `valve@1`.
#[derive(Debug, Clone)]
pub(super) struct Which {
    pub(super) name: String,
    pub(super) version: Option<u32>,
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let Some((name, version)) = text.split_once('@') else {
            let name = text.to_owned();
            return Ok(Self {
                name,
                version: None,
            });
        };
        match version.parse() {
            Ok(version) => Ok(Self {
                name: name.to_owned(),
                version: Some(version),
            }),
            Err(_) => Err(format!("`{version}` is no number of a version")),
        }
    }
}

/// Where something is written.
#[derive(Debug, Args)]
struct Into {
    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn failed(error: KeyError) -> Failure {
    Failure::plain(Text::told(error))
}

pub(super) fn of_sm(error: weihe_sm::Error) -> Failure {
    Failure::plain(Text::told(error))
}
