//! What a signer says of a component, and the signature under it, in DER (X.690).
//!
//! ```text
//! PluginSignature ::= SEQUENCE {
//!   statement     Statement,
//!   certificates  SEQUENCE OF Certificate,   -- the signer's first, then those of its issuers
//!   signature     OCTET STRING }             -- r and s, 32 bytes each
//! Statement ::= SEQUENCE {
//!   version       INTEGER,                   -- 1
//!   length        INTEGER,                   -- bytes that are covered
//!   digest        OCTET STRING,              -- SM3 over them
//!   name          UTF8String,                -- as the plugin calls itself
//!   release       UTF8String,                -- its version
//!   time          GeneralizedTime }          -- when it was signed
//! ```
//!
//! What is signed, with SM2 and the default identity, is [`CONTEXT`] followed by the DER of the statement and that of
//! the certificates: so a signature made for anything else is none of a plugin, and nobody can put another certificate
//! of the same key in the place of one that is revoked, or of one that may sign less.

use der::asn1::{GeneralizedTime, OctetString};
use der::{Any, Decode, Encode, Sequence};

use weihe_sm::sm3;

/// What precedes a statement where it is signed.
pub const CONTEXT: &[u8] = b"weihe plugin signature 1\0";

/// The version of the statement that this host makes and understands.
const VERSION: u8 = 1;

/// The most certificates that come with a signature.
pub const CERTIFICATES_LIMIT: usize = 8;

/// The most bytes of a name or release.
const TEXT_LIMIT: usize = 256;

/// Why the content of a signature is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is not the DER of one.
    #[error("its signature is damaged, or was made by something else: {0}")]
    Form(String),
    /// It is of a version that this host does not know.
    #[error("its signature is of version {0}, which this host does not know: update the host")]
    Version(u8),
    /// It has more certificates than any chain.
    #[error(
        "its signature brings {0} certificates: {CERTIFICATES_LIMIT} at most, and one at least"
    )]
    Certificates(usize),
    /// A text that no plugin has.
    #[error("the {0} in its signature is empty or longer than {TEXT_LIMIT} bytes")]
    Text(&'static str),
    /// A text that would move the cursor of who reads it.
    #[error("the {0} in its signature has control characters")]
    Control(&'static str),
    /// What it was made for is not this component.
    #[error("it was changed after it was signed")]
    Changed,
}

/// What a signer says of a component.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Statement {
    version: u8,
    length: u64,
    digest: OctetString,
    name: String,
    release: String,
    time: GeneralizedTime,
}

impl Statement {
    /// A statement on the component `covered`, which calls itself `name` in version `release`, made at `time`, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`StatementError::Text`], and [`StatementError::Form`] where the time is after the year 9999.
    pub fn new(
        covered: &[u8],
        name: &str,
        release: &str,
        time: u64,
    ) -> Result<Self, StatementError> {
        let statement = Self {
            version: VERSION,
            length: covered.len() as u64,
            digest: OctetString::new(sm3::digest(covered)).map_err(form)?,
            name: name.to_owned(),
            release: release.to_owned(),
            time: GeneralizedTime::from_unix_duration(std::time::Duration::from_secs(time))
                .map_err(form)?,
        };
        statement.check()?;
        Ok(statement)
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plugin's version.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// When it was signed, in seconds since 1970.
    pub fn time(&self) -> u64 {
        self.time.to_unix_duration().as_secs()
    }

    /// Whether this is a statement on `covered`.
    ///
    /// # Errors
    /// [`StatementError::Changed`].
    pub fn is_on(&self, covered: &[u8]) -> Result<(), StatementError> {
        let same =
            self.length == covered.len() as u64 && self.digest.as_bytes() == sm3::digest(covered);
        if same {
            Ok(())
        } else {
            Err(StatementError::Changed)
        }
    }

    fn check(&self) -> Result<(), StatementError> {
        if self.version != VERSION {
            return Err(StatementError::Version(self.version));
        }
        for (what, text) in [("name", &self.name), ("version", &self.release)] {
            if text.is_empty() || text.len() > TEXT_LIMIT {
                return Err(StatementError::Text(what));
            }
            if text.chars().any(char::is_control) {
                return Err(StatementError::Control(what));
            }
        }
        Ok(())
    }
}

/// The content of the section.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Envelope {
    statement: Statement,
    certificates: Vec<Any>,
    signature: OctetString,
}

impl Envelope {
    /// The bytes that are signed, for a statement and the certificates of the signer and its issuers in DER.
    ///
    /// # Errors
    /// [`StatementError::Form`].
    pub fn to_be_signed(
        statement: &Statement,
        certificates: &[Vec<u8>],
    ) -> Result<Vec<u8>, StatementError> {
        let mut bytes = CONTEXT.to_vec();
        statement.encode_to_vec(&mut bytes).map_err(form)?;
        list(certificates)?
            .encode_to_vec(&mut bytes)
            .map_err(form)?;
        Ok(bytes)
    }

    /// `statement` under `signature`, with the certificates of the signer and its issuers in DER.
    ///
    /// # Errors
    /// [`StatementError::Form`], [`StatementError::Certificates`].
    pub fn new(
        statement: Statement,
        certificates: &[Vec<u8>],
        signature: [u8; 64],
    ) -> Result<Self, StatementError> {
        let envelope = Self {
            statement,
            certificates: list(certificates)?,
            signature: OctetString::new(signature).map_err(form)?,
        };
        envelope.check()?;
        Ok(envelope)
    }

    /// Reads the content of a section; nothing may follow.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn read(content: &[u8]) -> Result<Self, StatementError> {
        let envelope = Self::from_der(content).map_err(form)?;
        envelope.check()?;
        // One way to write it: what is read is what was signed, byte by byte.
        match envelope.write()? == content {
            true => Ok(envelope),
            false => Err(StatementError::Form("it is not written in DER".to_owned())),
        }
    }

    /// The content of a section.
    ///
    /// # Errors
    /// [`StatementError::Form`].
    pub fn write(&self) -> Result<Vec<u8>, StatementError> {
        self.to_der().map_err(form)
    }

    /// What is signed.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// r and s.
    pub fn signature(&self) -> &[u8] {
        self.signature.as_bytes()
    }

    /// The certificates in DER, the signer's first.
    ///
    /// # Errors
    /// [`StatementError::Form`].
    pub fn certificates(&self) -> Result<Vec<Vec<u8>>, StatementError> {
        self.certificates
            .iter()
            .map(|any| any.to_der().map_err(form))
            .collect()
    }

    fn check(&self) -> Result<(), StatementError> {
        if self.certificates.is_empty() || self.certificates.len() > CERTIFICATES_LIMIT {
            return Err(StatementError::Certificates(self.certificates.len()));
        }
        self.statement.check()
    }
}

fn list(certificates: &[Vec<u8>]) -> Result<Vec<Any>, StatementError> {
    let parsed = certificates.iter().map(|der| Any::from_der(der));
    parsed.collect::<Result<_, _>>().map_err(form)
}

fn form(error: der::Error) -> StatementError {
    StatementError::Form(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Any SEQUENCE stands for a certificate here.
    const CERTIFICATE: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x07];

    fn envelope() -> Envelope {
        let statement = Statement::new(b"a component", "modbus", "1.2.3", 1_790_000_000).unwrap();
        Envelope::new(statement, &[CERTIFICATE.to_vec()], [5; 64]).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let envelope = envelope();
        let read = Envelope::read(&envelope.write().unwrap()).unwrap();
        assert_eq!(read, envelope);
        assert_eq!(read.certificates().unwrap(), [CERTIFICATE]);
        assert_eq!(
            (read.statement().name(), read.statement().release()),
            ("modbus", "1.2.3")
        );
        assert_eq!(read.statement().time(), 1_790_000_000);
    }

    #[test]
    fn a_statement_is_on_one_component() {
        let envelope = envelope();
        envelope.statement().is_on(b"a component").unwrap();
        assert_eq!(
            envelope.statement().is_on(b"b component"),
            Err(StatementError::Changed)
        );
        assert_eq!(
            envelope.statement().is_on(b"a component "),
            Err(StatementError::Changed)
        );
    }

    #[test]
    fn cut_off_or_extended_content_is_refused() {
        let whole = envelope().write().unwrap();
        for length in 0..whole.len() {
            assert!(Envelope::read(&whole[..length]).is_err(), "{length}");
        }
        let mut longer = whole;
        longer.push(0);
        assert!(Envelope::read(&longer).is_err());
    }

    #[test]
    fn a_name_is_needed_and_a_certificate() {
        assert_eq!(
            Statement::new(b"", "", "1", 0),
            Err(StatementError::Text("name"))
        );
        assert_eq!(
            Statement::new(b"", "a", "1\u{1b}[2K", 0),
            Err(StatementError::Control("version"))
        );
        let statement = Statement::new(b"", "a", "1", 0).unwrap();
        assert_eq!(
            Envelope::new(statement, &[], [0; 64]),
            Err(StatementError::Certificates(0))
        );
    }
}
