use std::fmt;

use der::asn1::ObjectIdentifier;

/// What a certificate is to be used for (extended key usage, RFC 5280, 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A server in TLS.
    Server,
    /// A client in TLS.
    Client,
    /// To sign programs. Only a certificate that says so may be used for it.
    CodeSigning,
    /// Anything: what the certificate says about its purposes isn't looked at.
    Any,
}

/// anyExtendedKeyUsage.
const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

impl Purpose {
    /// Those that a certificate can name.
    pub(super) const NAMED: [Self; 3] = [Self::Server, Self::Client, Self::CodeSigning];

    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Server => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
            Self::Client => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
            Self::CodeSigning => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"),
            Self::Any => ANY,
        }
    }

    /// Whether a certificate that names these purposes, or none, may be used for this one.
    pub(super) fn allowed_by(self, named: Option<&[ObjectIdentifier]>, authority: bool) -> bool {
        match (self, named) {
            (Self::Any, _) => true,
            // An authority that names no purpose may issue for all of them.
            (Self::CodeSigning, None) => authority,
            (_, None) => true,
            (Self::CodeSigning, Some(named)) if !authority => named.contains(&self.oid()),
            (_, Some(named)) => named.contains(&self.oid()) || named.contains(&ANY),
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "TLS servers",
            Self::Client => "TLS clients",
            Self::CodeSigning => "signing programs",
            Self::Any => "anything",
        })
    }
}
