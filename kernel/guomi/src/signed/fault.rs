//! What may be wrong with a plugin's signature.

use weihe_sm::certificate::Refusal;

use super::{SectionError, StatementError};

/// Why a plugin is not taken for what a signer who is trusted has signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has no signature.
    #[error("it is not signed")]
    Unsigned,
    /// There is something about the file.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// There is something about the signature's content.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A certificate in it cannot be read.
    #[error("a certificate in its signature cannot be read: {0}")]
    Certificate(String),
    /// Certificates come with it that have nothing to do with the signer's.
    #[error(
        "its signature brings the certificate of `{other}`, who has not issued that of `{subject}`"
    )]
    Chain {
        /// Whose certificate is there.
        other: String,
        /// Whose certificate it follows.
        subject: String,
    },
    /// The signature is none by the key in the signer's certificate.
    #[error("its signature is not one of `{signer}`")]
    Signature {
        /// Who is said to have signed.
        signer: String,
    },
    /// The certificate does not hold.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Nobody is trusted.
    #[error("`{signer}` has signed it, and nobody is trusted: [signatures] has no `trust`")]
    Nobody {
        /// Who has signed.
        signer: String,
    },
    /// The signer is not one of those that are listed.
    #[error("`{signer}` has signed it, and is none of the signers in [signatures]")]
    Stranger {
        /// Who has signed.
        signer: String,
    },
    /// The signer may sign other plugins.
    #[error("`{signer}` has signed it, who may not sign `{name}`, but only: {names}")]
    Name {
        /// Who has signed.
        signer: String,
        /// The plugin's name as it was signed.
        name: String,
        /// What may be signed.
        names: String,
    },
    /// It is another plugin than the one of this name.
    #[error(
        "it was signed as `{signed}`, and would run as `{name}`: where that is meant, [plugin.{name}] says `signed-as`"
    )]
    Place {
        /// The plugin's name as it was signed.
        signed: String,
        /// The name under which it would run.
        name: String,
    },
    /// What was signed is not what the plugin says that it is.
    #[error("it was signed as `{signed}`, and calls itself `{said}`")]
    Other {
        /// Name and version in the signature.
        signed: String,
        /// Name and version by itself.
        said: String,
    },
    /// A higher version has run.
    #[error(
        "it is version {version} of `{name}`, and {highest} has run here: an older one may be there for its faults"
    )]
    Older {
        /// The plugin's name.
        name: String,
        /// The version that is refused.
        version: String,
        /// The highest that has run.
        highest: String,
    },
}
