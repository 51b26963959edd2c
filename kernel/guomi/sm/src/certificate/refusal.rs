/// Why a certificate is refused. `subject` is that of the certificate at fault, which need not be the one that was to
/// be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its validity is over.
    #[error("the certificate of `{subject}` expired at {at}")]
    Expired {
        /// Whose certificate.
        subject: String,
        /// The end of its validity.
        at: String,
    },
    /// Its validity has not begun.
    #[error("the certificate of `{subject}` is not valid before {from}")]
    NotYetValid {
        /// Whose certificate.
        subject: String,
        /// The beginning of its validity.
        from: String,
    },
    /// It is for other hosts.
    #[error("the certificate of `{subject}` is not for {host}, but for {names}")]
    WrongHost {
        /// Whose certificate.
        subject: String,
        /// The host that was wanted.
        host: String,
        /// The hosts that it is for.
        names: String,
    },
    /// It is on the list of revoked certificates.
    #[error("the certificate of `{subject}` (serial {serial}) is revoked")]
    Revoked {
        /// Whose certificate.
        subject: String,
        /// Its serial number.
        serial: String,
    },
    /// It may not be used for this.
    #[error("the certificate of `{subject}` may not be used for {purpose}")]
    Purpose {
        /// Whose certificate.
        subject: String,
        /// What it was to be used for.
        purpose: String,
    },
    /// Its key may not be used for this (key usage, RFC 5280, 4.2.1.3).
    #[error("the key of `{subject}` may not be used to {usage}")]
    Usage {
        /// Whose certificate.
        subject: String,
        /// What the key was to do.
        usage: &'static str,
    },
    /// Nobody who is trusted has issued it.
    #[error(
        "no trusted authority has issued the certificate of `{subject}`: its issuer is `{issuer}`"
    )]
    Untrusted {
        /// Whose certificate.
        subject: String,
        /// Who issued it, as it says.
        issuer: String,
    },
    /// It was issued by a certificate that is not one of an authority.
    #[error("`{subject}` has issued a certificate and is not an authority")]
    NotAuthority {
        /// Who has issued.
        subject: String,
    },
    /// There are more authorities below one than it may have.
    #[error("`{subject}` may have {limit} authorities below it, and there are more")]
    PathLength {
        /// The authority.
        subject: String,
        /// How many it may have below it.
        limit: u8,
    },
    /// Its signature is not one of its issuer.
    #[error("the signature of the certificate of `{subject}` is not one of `{issuer}`")]
    Signature {
        /// Whose certificate.
        subject: String,
        /// Who was to have signed it.
        issuer: String,
    },
    /// It is signed with another algorithm than SM2 with SM3.
    #[error("the certificate of `{subject}` is not signed with SM2 and SM3, but with {algorithm}")]
    Algorithm {
        /// Whose certificate.
        subject: String,
        /// The algorithm's object identifier.
        algorithm: String,
    },
    /// It has an extension that has to be understood and isn't (RFC 5280, 4.2).
    #[error("the certificate of `{subject}` demands that extension {extension} be understood")]
    Extension {
        /// Whose certificate.
        subject: String,
        /// The extension's object identifier.
        extension: String,
    },
    /// The certificates that were sent could be put together in too many ways.
    #[error(
        "the certificates sent along with that of `{subject}` are too many, or signed too often"
    )]
    TooMuch {
        /// Whose certificate.
        subject: String,
    },
}
