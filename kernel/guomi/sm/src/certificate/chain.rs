use std::time::SystemTime;

use super::{Certificate, Host, Purpose, Refusal, Revoked};

/// The most certificates between the one that is verified and a root.
const MAX_DEPTH: usize = 8;

/// The most signatures that are verified for one chain: certificates that are sent may be made so that there are
/// very many ways to put them together.
const MAX_SIGNATURES: usize = 64;

/// What a certificate has to hold for.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    time: SystemTime,
    purpose: Purpose,
    host: Option<&'a Host>,
    revoked: Option<&'a Revoked>,
}

impl<'a> Check<'a> {
    /// Whether it may be used for `purpose` at `time`.
    pub fn new(time: SystemTime, purpose: Purpose) -> Self {
        Self {
            time,
            purpose,
            host: None,
            revoked: None,
        }
    }

    /// It has to be for this host too.
    pub fn host(self, host: &'a Host) -> Self {
        Self {
            host: Some(host),
            ..self
        }
    }

    /// Neither it nor an authority above it may be among these.
    pub fn revoked(self, revoked: &'a Revoked) -> Self {
        Self {
            revoked: Some(revoked),
            ..self
        }
    }
}

/// Verifies a certificate up to one of `roots` (RFC 5280, 6.1), by way of `intermediates`, which nobody needs to
/// trust. Gives the chain: the certificate first, the root last. A certificate that is itself among the roots needs
/// no issuer.
///
/// The roots have to be valid themselves. Policies aren't looked at; an authority with name constraints is refused.
///
/// # Errors
/// The first thing that is wrong on the way that came farthest.
pub fn verify(
    certificate: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    check: &Check<'_>,
) -> Result<Vec<Certificate>, Refusal> {
    check.any(certificate)?;
    check.end(certificate)?;
    let mut search = Search {
        intermediates,
        roots,
        check,
        signatures: 0,
        farthest: None,
    };
    let mut path = vec![certificate];
    if search.climb(&mut path)? {
        return Ok(path.into_iter().cloned().collect());
    }
    Err(match search.farthest {
        Some((_, refusal)) => refusal,
        None => untrusted(certificate),
    })
}

struct Search<'a, 'c> {
    intermediates: &'a [Certificate],
    roots: &'a [Certificate],
    check: &'a Check<'c>,
    signatures: usize,
    /// What was wrong, and how many certificates had been found by then.
    farthest: Option<(usize, Refusal)>,
}

impl<'a> Search<'a, '_> {
    /// Looks for issuers of the last certificate of the path, up to a root. An error ends the search.
    fn climb(&mut self, path: &mut Vec<&'a Certificate>) -> Result<bool, Refusal> {
        let Some(&last) = path.last() else {
            return Ok(false);
        };
        if self.roots.contains(last) {
            return Ok(true);
        }
        if path.len() > MAX_DEPTH {
            return Err(self.too_much(path));
        }
        let mut found = false;
        for (issuer, root) in self
            .roots
            .iter()
            .map(|root| (root, true))
            .chain(self.intermediates.iter().map(|other| (other, false)))
        {
            if !may_have_issued(issuer, last) || path.iter().any(|one| same_holder(one, issuer)) {
                continue;
            }
            found = true;
            self.signatures += 1;
            if self.signatures > MAX_SIGNATURES {
                return Err(self.too_much(path));
            }
            let fits = last
                .verify_signature(&issuer.public_key())
                .and_then(|()| self.check.any(issuer))
                .and_then(|()| self.check.authority(issuer, path));
            match fits {
                Ok(()) => {
                    path.push(issuer);
                    if root || self.climb(path)? {
                        return Ok(true);
                    }
                    path.pop();
                }
                Err(refusal) => self.note(path.len(), refusal),
            }
        }
        if !found {
            self.note(path.len(), untrusted(last));
        }
        Ok(false)
    }

    fn note(&mut self, length: usize, refusal: Refusal) {
        if self
            .farthest
            .as_ref()
            .is_none_or(|(farthest, _)| *farthest < length)
        {
            self.farthest = Some((length, refusal));
        }
    }

    fn too_much(&self, path: &[&Certificate]) -> Refusal {
        Refusal::TooMuch {
            subject: path
                .first()
                .map(|certificate| certificate.subject())
                .unwrap_or_default(),
        }
    }
}

/// Whether the names, and the identifiers of the keys where both have one, allow it.
pub(super) fn may_have_issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    let names =
        issuer.parsed.tbs_certificate().subject() == certificate.parsed.tbs_certificate().issuer();
    let keys = match (
        &issuer.extensions.subject_key,
        &certificate.extensions.authority_key,
    ) {
        (Some(own), Some(named)) => own == named,
        _ => true,
    };
    names && keys
}

/// Whether two certificates are for one key under one name: as issuers, one of them is enough in a path. Without this,
/// authorities that have certified each other more than once would take all the signatures that may be verified.
fn same_holder(one: &Certificate, other: &Certificate) -> bool {
    let (own, its) = (one.parsed.tbs_certificate(), other.parsed.tbs_certificate());
    one.public_key() == other.public_key() && own.subject() == its.subject()
}

fn untrusted(certificate: &Certificate) -> Refusal {
    Refusal::Untrusted {
        subject: certificate.subject(),
        issuer: certificate.issuer(),
    }
}

impl Check<'_> {
    /// What holds for every certificate of a chain.
    fn any(&self, certificate: &Certificate) -> Result<(), Refusal> {
        let validity = certificate.parsed.tbs_certificate().validity();
        let subject = || certificate.subject();
        // Times in certificates have no fractions: one that ends at 12:00:00 is valid for all of that second.
        let end = certificate.not_after() + std::time::Duration::from_secs(1);
        if self.time < certificate.not_before() {
            return Err(Refusal::NotYetValid {
                subject: subject(),
                from: validity.not_before.to_string(),
            });
        }
        if self.time >= end {
            return Err(Refusal::Expired {
                subject: subject(),
                at: validity.not_after.to_string(),
            });
        }
        if self.revoked.is_some_and(|list| list.contains(certificate)) {
            return Err(Refusal::Revoked {
                subject: subject(),
                serial: certificate.serial(),
            });
        }
        match certificate.extensions.unknown {
            Some(extension) => Err(Refusal::Extension {
                subject: subject(),
                extension: extension.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// What holds for the certificate that is verified.
    fn end(&self, certificate: &Certificate) -> Result<(), Refusal> {
        self.purpose(certificate, false)?;
        let signs = certificate
            .extensions
            .usage
            .is_none_or(|usage| usage.digital_signature());
        if self.purpose != Purpose::Any && !signs {
            return Err(Refusal::Usage {
                subject: certificate.subject(),
                usage: "sign",
            });
        }
        let Some(host) = self.host else {
            return Ok(());
        };
        if certificate.hosts().iter().any(|own| own.matches(host)) {
            return Ok(());
        }
        let names: Vec<_> = certificate.hosts().iter().map(Host::to_string).collect();
        Err(Refusal::WrongHost {
            subject: certificate.subject(),
            host: host.to_string(),
            names: match names.as_slice() {
                [] => "no host".to_owned(),
                names => names.join(", "),
            },
        })
    }

    /// What holds for an authority above the certificates of `path`.
    fn authority(&self, issuer: &Certificate, path: &[&Certificate]) -> Result<(), Refusal> {
        let subject = || issuer.subject();
        let Some(length) = issuer.extensions.authority else {
            return Err(Refusal::NotAuthority { subject: subject() });
        };
        if issuer
            .extensions
            .usage
            .is_some_and(|usage| !usage.key_cert_sign())
        {
            return Err(Refusal::Usage {
                subject: subject(),
                usage: "sign certificates",
            });
        }
        // Those that an authority has issued for itself don't count (RFC 5280, 4.2.1.9).
        let below = path
            .iter()
            .skip(1)
            .filter(|certificate| !certificate.is_self_issued())
            .count();
        match length {
            Some(limit) if below > usize::from(limit) => {
                return Err(Refusal::PathLength {
                    subject: subject(),
                    limit,
                });
            }
            _ => {}
        }
        self.purpose(issuer, true)
    }

    fn purpose(&self, certificate: &Certificate, authority: bool) -> Result<(), Refusal> {
        let named = certificate.extensions.purposes.as_deref();
        if self.purpose.allowed_by(named, authority) {
            return Ok(());
        }
        Err(Refusal::Purpose {
            subject: certificate.subject(),
            purpose: self.purpose.to_string(),
        })
    }
}
