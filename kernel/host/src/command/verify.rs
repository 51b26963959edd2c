//! `weihe verify`: who has signed a plugin, and whether that counts.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weihe_guomi::signed::{Fault, Mode, Policy, Sound};
use weihe_sm::certificate::Fingerprint;

use super::sign::{certificates, unusable};
use super::{Global, Result, directory, inspect, plugin_file};
use crate::config::{Config, SignaturesEntry};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Style, date_and_time, print, print_json};
use crate::signatures;

/// Show who has signed a plugin, and whether it is trusted
#[derive(Debug, Args)]
#[command(
    after_help = "Trusted are those whom --trust names, or [signatures] of the system at hand. It exits with 0 where the\nsignature holds and is trusted, with 1 where not.\n\nExamples:\n  weihe verify plugins/modbus.wasm\n  weihe verify modbus.wasm --trust roots.pem"
)]
pub(super) struct Verify {
    /// The component, or the name of a plugin of the current system
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The certificates that are trusted (PEM), in place of [signatures], of which only `revoked` counts then
    #[arg(short, long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, global: &Global) -> Result {
        let file = plugin_file::find(&self.file, global);
        let bytes = std::fs::read(&file).map_err(|source| unusable(&file, source))?;
        let (policy, name) = self.policy(&file, global)?;
        let found = Sound::read(&bytes);
        let checked = found
            .clone()
            .and_then(|_| match &name {
                Some(name) => policy.check_as(name, &bytes),
                None => policy.check(&bytes),
            })
            .map_err(|fault| fault.to_string());
        // What it says of itself is only asked where somebody vouches for it.
        let checked = checked.and_then(|sound| {
            let said = sound.statement();
            let about = inspect::describe(&file)?;
            match (said.name(), said.release()) == (&*about.name, &*about.version) {
                true => Ok(()),
                false => Err(Fault::Other {
                    signed: format!("{} {}", said.name(), said.release()),
                    said: format!("{} {}", about.name, about.version),
                }
                .to_string()),
            }
        });
        if global.json {
            print_json(&as_json(&file, found.as_ref().ok(), &checked));
        } else {
            let style = Style::stdout();
            let mut text = format!("{}\n", style.bold(file.display()));
            if let Ok(sound) = &found {
                text.push_str(&lines(sound));
            }
            let verdict = match &checked {
                Ok(()) => style.good(say::verify_good()).to_string(),
                Err(reason) => format!("{}: {}", style.bad(say::verify_bad()), Text::told(reason)),
            };
            print(&format!("{text}  {verdict}\n"));
        }
        Ok(match checked {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Failed,
        })
    }

    /// Whom to trust, and the plugin of the system at hand that the file is.
    fn policy(
        &self,
        file: &Path,
        global: &Global,
    ) -> std::result::Result<(Policy, Option<String>), Failure> {
        let mut policy = Policy::default();
        let mut name = None;
        if let Ok(directory) = directory::find(None, global) {
            let mut config = Config::load(&directory)?;
            if config.signatures.mode == Mode::Off || self.trust.is_some() {
                // Asked for here, whatever the host does.
                config.signatures.mode = Mode::Warn;
            }
            if self.trust.is_some() {
                // Only whom the system does not trust any more counts besides.
                config.signatures = SignaturesEntry {
                    mode: config.signatures.mode,
                    revoked: config.signatures.revoked,
                    ..SignaturesEntry::default()
                };
            } else {
                name = name_of(&config, file);
            }
            policy = signatures::policy(&config)?;
        }
        if let Some(trust) = &self.trust {
            policy.trust = certificates(trust)?;
        }
        Ok((policy, name))
    }
}

/// The plugin that is, or may be, made of a file.
fn name_of(config: &Config, file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    let is_it = |other: &Path| other.canonicalize().is_ok_and(|other| other == file);
    let mut plugins = config.plugins.iter();
    let found = plugins.find(|plugin| plugin.files().any(is_it));
    found.map(|plugin| plugin.name.clone())
}

fn lines(sound: &Sound) -> String {
    let said = sound.statement();
    let time = date_and_time(said.time().saturating_mul(1_000_000_000));
    let fingerprint = Fingerprint::of(sound.signer()).to_string();
    format!(
        "  {}\n  {}\n  {}\n  {}\n",
        say::verify_what(said.name(), said.release()),
        say::verify_who(sound.signer().subject(), sound.signer().issuer()),
        say::verify_when(time),
        say::verify_certificate(sound.signer().serial(), fingerprint),
    )
}

/// What a signature says, for programs; none where there is none that is sound.
pub(super) fn signature_json(sound: Option<&Sound>) -> serde_json::Value {
    let Some(sound) = sound else {
        return serde_json::Value::Null;
    };
    json!({
        "name": sound.statement().name(),
        "version": sound.statement().release(),
        "time": sound.statement().time(),
        "signer": sound.signer().subject(),
        "issuer": sound.signer().issuer(),
        "serial": sound.signer().serial(),
        "fingerprint": Fingerprint::of(sound.signer()).digits(),
    })
}

fn as_json(
    file: &Path,
    sound: Option<&Sound>,
    checked: &std::result::Result<(), String>,
) -> serde_json::Value {
    json!({
        "file": file,
        "signature": signature_json(sound),
        "trusted": checked.is_ok(),
        "reason": checked.as_ref().err(),
    })
}
