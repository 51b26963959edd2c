//! `weihe verify`: who has signed a plugin, and whether that counts.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use weihe_guomi::signed::{Fault, Mode, Policy, Sound};
use weihe_kernel::event::hex;

use super::sign::unusable;
use super::{Global, Result, directory, inspect, plugin_file};
use crate::config::Config;
use crate::language::{Text, say};
use crate::output::{Outcome, Style, date_and_time, print, print_json};
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
    /// The certificates that are trusted (PEM), in place of [signatures]
    #[arg(short, long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, global: &Global) -> Result {
        let file = plugin_file::find(&self.file, global);
        let bytes = std::fs::read(&file).map_err(|source| unusable(&file, source))?;
        let policy = self.policy(global)?;
        let found = Sound::read(&bytes);
        let checked = found
            .clone()
            .and_then(|_| policy.check(&bytes))
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

    fn policy(&self, global: &Global) -> std::result::Result<Arc<Policy>, crate::output::Failure> {
        let mut policy = Policy::default();
        match &self.trust {
            Some(file) => policy.trust = signatures::certificates(file)?,
            None => {
                if let Ok(directory) = directory::find(None, global) {
                    let mut entry = Config::load(&directory)?.signatures;
                    if entry.mode == Mode::Off {
                        // Asked for here, whatever the host does.
                        entry.mode = Mode::Warn;
                    }
                    policy = signatures::policy(&directory, &entry)?;
                }
            }
        }
        Ok(Arc::new(policy))
    }
}

fn lines(sound: &Sound) -> String {
    let said = sound.statement();
    let time = date_and_time(said.time().saturating_mul(1_000_000_000));
    let fingerprint = hex(&sound.signer().fingerprint());
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
        "fingerprint": hex(&sound.signer().fingerprint()),
    })
}

fn as_json(
    file: &std::path::Path,
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
