//! `weihe sign`: a plugin with the name of who made it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use serde_json::json;
use weihe_guomi::keys::Use;
use weihe_guomi::signed::{Sound, sign};
use weihe_sm::certificate::Certificate;
use weihe_sm::sm2::Signer;

use super::key::asked::Opened;
use super::key::make::{private_key, read};
use super::key::out::Signs;
use super::key::{Which, failed, of_sm};
use super::{Global, Result, inspect};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, print, print_json};
use crate::signatures::{self, SignaturesError};

/// Sign a plugin, so that a host takes it only as it is now
#[derive(Debug, Args)]
#[command(
    after_help = "The plugin is asked for its name and version, which are signed with it. A signature that it has is\nreplaced. The certificate has to be for signing programs.\n\nExamples:\n  weihe sign plugins/modbus.wasm --key release\n  weihe sign modbus.wasm --key-file release.key --certificate release.pem --output signed/modbus.wasm"
)]
pub(super) struct Sign {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key of the key store to sign with
    #[arg(
        short,
        long,
        value_name = "NAME",
        required_unless_present = "key_file",
        conflicts_with = "key_file"
    )]
    key: Option<Which>,
    /// The file of the private key (PEM), in place of the key store
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The signer's certificate, then those of its issuers (PEM) [default: the one attached to the key]
    #[arg(short, long, value_name = "FILE", required_unless_present = "key")]
    certificate: Option<PathBuf>,
    /// Where to write the signed plugin [default: in place of the file]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What signs, and the certificate that is attached to it.
type Signing = (Box<dyn Signer>, Option<Vec<Certificate>>);

impl From<SignaturesError> for Failure {
    fn from(error: SignaturesError) -> Self {
        let help = Text::told(error.help());
        Self::new(Text::told(error), help)
    }
}

impl Sign {
    pub(super) fn run(self, global: &Global) -> Result {
        let about = inspect::describe(&self.file).map_err(Failure::plain)?;
        let given = self.certificate.as_deref().map(certificates);
        let given = given.transpose()?;
        let (signer, attached) = self.signer(global)?;
        let certificates = given.or(attached).unwrap_or_default();
        let fail = |source| unusable(&self.file, source);
        let bytes = std::fs::read(&self.file).map_err(fail)?;
        let plugin = (about.name.as_str(), about.version.as_str());
        let signed = sign(&bytes, plugin, SystemTime::now(), &*signer, &certificates)
            .map_err(|error| Failure::new(Text::told(error), say::sign_help()))?;
        let output = self.output.as_ref().unwrap_or(&self.file);
        write(output, &signed).map_err(|source| unusable(output, source))?;
        let sound = Sound::read(&signed).map_err(|fault| Failure::plain(Text::told(fault)))?;
        let (who, issuer) = (sound.signer().subject(), sound.issuer());
        match global.json {
            true => print_json(&json!({
                "file": output,
                "name": about.name,
                "version": about.version,
                "signer": who,
                "issuer": issuer,
                "time": sound.statement().time(),
            })),
            false => print(&format!(
                "{}\n{}\n",
                say::sign_done(output.display(), &about.name, &about.version, who),
                say::sign_trust(issuer)
            )),
        }
        Ok(Outcome::Done)
    }

    /// What signs, and the certificate that comes with it.
    fn signer(&self, global: &Global) -> std::result::Result<Signing, Failure> {
        if let Some(file) = &self.key_file {
            let key = private_key(file, &read(file)?)?;
            return Ok((Box::new(key), None));
        }
        let Some(Which { name, version }) = &self.key else {
            return Err(Failure::plain(say::sign_help()));
        };
        let key = Opened::of(global)?
            .store
            .open(name, *version)
            .map_err(failed)?;
        let about = key.about();
        about.allow(Use::Sign).map_err(failed)?;
        let Some(public) = about.public_key else {
            let algorithm = about.algorithm.name();
            return Err(Failure::plain(say::key_no_public(name, algorithm)));
        };
        let attached = about.certificate.iter().chain(&about.issuers);
        let attached: std::result::Result<Vec<_>, _> =
            attached.map(|der| Certificate::from_der(der)).collect();
        let attached = attached.map_err(of_sm)?;
        Ok((Box::new(Signs(key, public)), Some(attached)))
    }
}

/// Whoever watches the folder sees the file as it was, or whole.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut next = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    next.write_all(bytes)?;
    let mode = std::fs::metadata(file).map(|there| there.permissions());
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    next.as_file().set_permissions(mode.unwrap_or(readable))?;
    next.as_file().sync_all()?;
    next.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// The certificates in a file that was named on the command line.
pub(super) fn certificates(file: &Path) -> std::result::Result<Vec<Certificate>, Failure> {
    signatures::certificates(file).map_err(|error| match error {
        SignaturesError::File { file, source } => unusable(&file, source),
        SignaturesError::Certificates { file, why } => {
            Failure::plain(say::sign_file(file.display(), Text::told(why)))
        }
        other => other.into(),
    })
}

pub(super) fn unusable(file: &Path, source: std::io::Error) -> Failure {
    Failure::plain(say::sign_file(file.display(), Text::told(source)))
}
