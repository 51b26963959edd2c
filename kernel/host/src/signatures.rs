//! Signed plugins of a system: the policy of `[signatures]`, with what is in the files that it names.

use std::path::{Path, PathBuf};

use weihe_guomi::signed::{Gate, Mode, Policy, Versions};
use weihe_sm::certificate::{Certificate, Fingerprint, Revoked};

use crate::config::{Config, is_number};
use crate::system::compare;

/// The file of the highest versions that ran, in the data directory.
pub const VERSIONS: &str = "signed-versions.json";

/// The longest file of certificates that is read.
const LONGEST: u64 = 1 << 20;

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum SignaturesError {
    /// A file cannot be read.
    #[error("cannot read {}, which [signatures] names: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A file has no certificates in it.
    #[error("{}, which [signatures] names, cannot be used: {why}", .file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Signatures are asked for, and nobody is trusted.
    #[error("[signatures] requires signatures, and `trust` names nobody: no plugin could run")]
    Nobody,
    /// The versions that ran cannot be known.
    #[error("the versions that ran cannot be read from {}: {source}", .file.display())]
    Versions {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
}

impl SignaturesError {
    /// The key that it is about.
    pub fn key(&self) -> &'static str {
        "signatures"
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::Certificates { .. } => {
                "`trust` names files of certificates in PEM; `revoked` also serial numbers and fingerprints"
            }
            Self::Nobody => "`trust = [\"root.pem\"]` names the file of an authority's certificate",
            Self::Versions { .. } => {
                "put it back from a backup; without the file, older versions of all plugins may run"
            }
        }
    }
}

/// The policy that a configuration asks for.
pub fn policy(config: &Config) -> Result<Policy, SignaturesError> {
    let (directory, entry) = (&config.directory, &config.signatures);
    let named = config.plugins.iter().filter_map(|plugin| {
        let signed_as = plugin.signed_as.clone()?;
        Some((plugin.name.clone(), signed_as))
    });
    let mut policy = Policy {
        mode: entry.mode,
        signers: entry.signers.clone(),
        older: entry.older.clone(),
        signed_as: named.collect(),
        ..Policy::default()
    };
    if entry.mode == Mode::Off {
        // Nothing of it is looked at.
        return Ok(policy);
    }
    for file in &entry.trust {
        policy.trust.extend(certificates(file)?);
    }
    if entry.mode == Mode::Require && policy.trust.is_empty() {
        return Err(SignaturesError::Nobody);
    }
    for text in &entry.revoked {
        match is_number(text) {
            true => revoke(&mut policy.revoked, text, Path::new(text))?,
            false => revoke_file(&mut policy.revoked, &directory.join(text))?,
        }
    }
    Ok(policy)
}

/// The gate of a host whose data are there.
pub fn gate(policy: Policy, data: &Path) -> Result<Gate, SignaturesError> {
    Ok(Gate::new(policy, versions(data)?))
}

/// A gate that only looks.
pub fn looking_gate(policy: Policy, data: &Path) -> Result<Gate, SignaturesError> {
    Ok(Gate::new(policy, versions(data)?.fixed()))
}

fn versions(data: &Path) -> Result<Versions, SignaturesError> {
    let file = data.join(VERSIONS);
    Versions::open(&file, compare).map_err(|source| SignaturesError::Versions { file, source })
}

/// The certificates in a file.
pub fn certificates(file: &Path) -> Result<Vec<Certificate>, SignaturesError> {
    let text = text(file)?;
    Certificate::all_from_pem(&text).map_err(|error| SignaturesError::Certificates {
        file: file.to_owned(),
        why: error.to_string(),
    })
}

fn text(file: &Path) -> Result<String, SignaturesError> {
    let fail = |source| SignaturesError::File {
        file: file.to_owned(),
        source,
    };
    let size = std::fs::metadata(file).map_err(fail)?.len();
    if size > LONGEST {
        return Err(fail(std::io::Error::other("it is too long")));
    }
    std::fs::read_to_string(file).map_err(fail)
}

fn revoke(revoked: &mut Revoked, text: &str, file: &Path) -> Result<(), SignaturesError> {
    revoked
        .add(text)
        .map_err(|error| SignaturesError::Certificates {
            file: file.to_owned(),
            why: error.to_string(),
        })
}

/// Certificates in PEM, or a serial number or fingerprint on each line.
fn revoke_file(revoked: &mut Revoked, file: &Path) -> Result<(), SignaturesError> {
    let text = text(file)?;
    if text.contains("-----BEGIN ") {
        for certificate in certificates(file)? {
            let fingerprint = Fingerprint::of(&certificate).to_string();
            revoke(revoked, &fingerprint, file)?;
        }
        return Ok(());
    }
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        revoke(revoked, line, file)?;
    }
    Ok(())
}
