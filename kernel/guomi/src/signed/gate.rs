//! The gate in front of the kernel: what is not signed as the policy wants is not even compiled.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use weihe_kernel::runtime::{Admission, Admitted, Description, Origin};

use super::{Fault, Mode, Policy, Versions, part};

/// Admits plugins by a policy, which may change.
#[derive(Debug)]
pub struct Gate {
    policy: RwLock<Arc<Policy>>,
    versions: Arc<Versions>,
}

impl Gate {
    /// A gate under a policy.
    pub fn new(policy: Policy, versions: Versions) -> Self {
        Self {
            policy: RwLock::new(Arc::new(policy)),
            versions: Arc::new(versions),
        }
    }

    /// A gate under another policy that knows the same versions: to see what it would let in before it holds, if it
    /// ever does.
    pub fn under(&self, policy: Policy) -> Self {
        Self {
            policy: RwLock::new(Arc::new(policy)),
            versions: Arc::clone(&self.versions),
        }
    }

    /// The policy.
    pub fn policy(&self) -> Arc<Policy> {
        let policy = self.policy.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&policy)
    }

    /// Puts another policy in place. What runs is not touched.
    pub fn set_policy(&self, policy: impl Into<Arc<Policy>>) {
        let mut current = self.policy.write().unwrap_or_else(PoisonError::into_inner);
        *current = policy.into();
    }

    /// What is wrong with a signed plugin that calls itself so.
    fn fault(
        &self,
        policy: &Policy,
        (name, release): &(String, String),
        said: &Description,
    ) -> Option<Fault> {
        if (name, release) != (&said.name, &said.version) {
            return Some(Fault::Other {
                signed: format!("{name} {release}"),
                said: format!("{} {}", said.name, said.version),
            });
        }
        let highest = self.versions.above(name, release)?;
        (!policy.allows_older(name)).then(|| Fault::Older {
            name: name.clone(),
            version: release.clone(),
            highest,
        })
    }
}

impl Admission for Gate {
    fn ask(&self, name: &str, _file: &Path, mut bytes: Vec<u8>) -> Result<Admitted, String> {
        let policy = self.policy();
        if policy.mode == Mode::Off {
            return Ok(Admitted {
                bytes,
                signed: None,
                origin: None,
            });
        }
        match policy.check_as(name, &bytes) {
            Ok(sound) => {
                let said = sound.statement();
                let signed = (said.name().to_owned(), said.release().to_owned());
                bytes.truncate(sound.covered());
                Ok(Admitted {
                    bytes,
                    signed: Some(signed),
                    origin: Some(Origin {
                        signer: Some(sound.signer().subject()),
                        signed: Some(said.time()),
                        warning: None,
                    }),
                })
            }
            Err(fault) if policy.mode == Mode::Require => Err(fault.to_string()),
            Err(fault) => {
                // What is compiled does not depend on who is trusted.
                let covered = part(&bytes).map_or(bytes.len(), |signed| signed.covered.len());
                bytes.truncate(covered);
                Ok(Admitted {
                    bytes,
                    signed: None,
                    origin: Some(Origin {
                        signer: None,
                        signed: None,
                        warning: Some(fault.to_string()),
                    }),
                })
            }
        }
    }

    fn described(
        &self,
        signed: Option<&(String, String)>,
        said: &Description,
        origin: &mut Option<Origin>,
    ) -> Result<(), String> {
        let policy = self.policy();
        let fault = match signed {
            Some(signed) => self.fault(&policy, signed, said),
            // Let in under another policy than the one that holds by now.
            None => (policy.mode == Mode::Require).then_some(Fault::Unsigned),
        };
        let Some(fault) = fault else {
            return Ok(());
        };
        match policy.mode {
            Mode::Require => Err(fault.to_string()),
            Mode::Warn | Mode::Off => {
                // An older version is still by its signer; one that is another plugin is by nobody.
                let known = origin.take();
                let known = known.filter(|_| matches!(fault, Fault::Older { .. }));
                *origin = Some(Origin {
                    signer: known.as_ref().and_then(|known| known.signer.clone()),
                    signed: known.and_then(|known| known.signed),
                    warning: Some(fault.to_string()),
                });
                Ok(())
            }
        }
    }

    fn runs(&self, said: &Description, origin: &Origin) {
        if origin.signer.is_none() {
            return;
        }
        if let Err(error) = self.versions.raise(&said.name, &said.version) {
            tracing::error!(
                "version {} of plugin {} cannot be noted, and older ones are refused only until the host ends: {error}",
                said.version,
                said.name
            );
        }
    }

    fn returns(&self, said: &Description, origin: &Origin) {
        if origin.signer.is_none() {
            return;
        }
        if let Err(error) = self.versions.lower(&said.name, &said.version) {
            tracing::error!(
                "that plugin {} went back to version {} cannot be noted, and the version is refused when the host \
                 starts anew: {error}",
                said.name,
                said.version
            );
        }
    }
}
