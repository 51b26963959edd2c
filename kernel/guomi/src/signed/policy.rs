//! Whose plugins run.

use std::collections::BTreeMap;

use weihe_sm::certificate::{Certificate, Fingerprint, Revoked};

use super::{Fault, Sound};

/// What becomes of plugins that nobody who is trusted has signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Signatures aren't looked at.
    #[default]
    Off,
    /// They run, and it is said what speaks against them.
    Warn,
    /// They don't run.
    Require,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Require => "require",
        })
    }
}

/// A signer who may sign plugins of some names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Who.
    pub who: Who,
    /// Names of plugins; `*` stands for any characters.
    pub names: Vec<String>,
}

/// How a signer is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By the common name in its certificate, which those who are trusted vouch for.
    Name(String),
    /// By its certificate.
    Certificate(Fingerprint),
}

impl Who {
    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => certificate.common_name().as_ref() == Some(name),
            Self::Certificate(fingerprint) => fingerprint.is_of(certificate),
        }
    }
}

/// Whose plugins run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of the others.
    pub mode: Mode,
    /// The authorities, or signers, that are trusted.
    pub trust: Vec<Certificate>,
    /// Certificates that no longer are.
    pub revoked: Revoked,
    /// Who may sign what; where there is nobody, whoever is trusted may sign anything.
    pub signers: Vec<Allowed>,
    /// Names of plugins of which versions may run that are lower than one that has run.
    pub older: Vec<String>,
    /// Plugins that run under another name than the one that was signed: their names here, and those.
    pub signed_as: BTreeMap<String, String>,
}

impl Policy {
    /// The signature of a file, where it is by one who may sign it.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn check(&self, file: &[u8]) -> Result<Sound, Fault> {
        let sound = Sound::read(file)?;
        sound.trusted(&self.trust, &self.revoked)?;
        self.check_signer(&sound)?;
        Ok(sound)
    }

    /// The signature of a file that is to run as the plugin `name`, where it is by one who may sign that, and was made
    /// for it. Grants are given by name: a plugin that was signed for one thing is no other.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn check_as(&self, name: &str, file: &[u8]) -> Result<Sound, Fault> {
        let sound = self.check(file)?;
        let wanted = self.signed_as.get(name).map_or(name, String::as_str);
        let signed = sound.statement().name();
        match signed == wanted {
            true => Ok(sound),
            false => Err(Fault::Place {
                signed: signed.to_owned(),
                name: name.to_owned(),
            }),
        }
    }

    fn check_signer(&self, sound: &Sound) -> Result<(), Fault> {
        if self.signers.is_empty() {
            return Ok(());
        }
        let signer = sound.signer();
        let name = sound.statement().name();
        let mut names = Vec::new();
        for allowed in self.signers.iter().filter(|one| one.who.is(signer)) {
            if allowed.names.iter().any(|pattern| fits(pattern, name)) {
                return Ok(());
            }
            names.extend(allowed.names.iter().map(|name| format!("`{name}`")));
        }
        let signer = signer.subject();
        Err(match names.is_empty() {
            true => Fault::Stranger { signer },
            false => Fault::Name {
                signer,
                name: name.to_owned(),
                names: names.join(", "),
            },
        })
    }

    /// Whether versions of a plugin may run that are lower than one that has run.
    pub(super) fn allows_older(&self, name: &str) -> bool {
        self.older.iter().any(|pattern| fits(pattern, name))
    }
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    // The shortest piece that leaves something which fits the rest of the pattern.
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.any(|at| rest.get(at..).is_some_and(|rest| fits(after, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name) in [
            ("modbus", "modbus"),
            ("sensor-*", "sensor-"),
            ("sensor-*", "sensor-soil-2"),
            ("*", "anything"),
            ("*-meter-*", "a-meter-b"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("modbus", "modbus2"),
            ("sensor-*", "sensor"),
            ("*-meter", "meter"),
            ("*-meter", "a-meter-b"),
            ("", "a"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
