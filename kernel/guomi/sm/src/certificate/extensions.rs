use der::{Decode, asn1::ObjectIdentifier};
use x509_cert::ext::{
    Extension,
    pkix::{
        AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
        SubjectKeyIdentifier,
    },
};

use super::Host;

const SUBJECT_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const PURPOSES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// What the extensions of a certificate or of a request say (RFC 5280, 4.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions {
    /// Whether it is an authority, and how many authorities may be below it.
    pub(crate) authority: Option<Option<u8>>,
    pub(crate) usage: Option<KeyUsage>,
    pub(crate) purposes: Option<Vec<ObjectIdentifier>>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) subject_key: Option<Vec<u8>>,
    pub(crate) authority_key: Option<Vec<u8>>,
    /// What has to be understood to use the certificate, and isn't here.
    pub(crate) unknown: Option<ObjectIdentifier>,
}

impl Extensions {
    /// Or what is wrong with them.
    pub(crate) fn read(list: &[Extension]) -> Result<Self, String> {
        let mut all = Self::default();
        for (at, extension) in list.iter().enumerate() {
            let oid = extension.extn_id;
            if list[..at].iter().any(|earlier| earlier.extn_id == oid) {
                return Err(format!("extension {oid} stands in it twice"));
            }
            all.take(extension)
                .map_err(|error| format!("extension {oid}: {error}"))?;
        }
        Ok(all)
    }

    fn take(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            SUBJECT_KEY => {
                let key = SubjectKeyIdentifier::from_der(value)?;
                self.subject_key = Some(key.0.as_bytes().to_vec());
            }
            AUTHORITY_KEY => {
                let key = AuthorityKeyIdentifier::from_der(value)?.key_identifier;
                self.authority_key = key.map(|key| key.as_bytes().to_vec());
            }
            KEY_USAGE => self.usage = Some(KeyUsage::from_der(value)?),
            PURPOSES => self.purposes = Some(ExtendedKeyUsage::from_der(value)?.0),
            BASIC_CONSTRAINTS => {
                let constraints = BasicConstraints::from_der(value)?;
                if constraints.ca {
                    self.authority = Some(constraints.path_len_constraint);
                }
            }
            ALTERNATIVE_NAME => {
                let names = SubjectAltName::from_der(value)?.0;
                self.hosts = names.iter().filter_map(Host::from_name).collect();
            }
            // They bind whether they are critical or not, and aren't examined here.
            NAME_CONSTRAINTS => self.unknown = Some(extension.extn_id),
            other if extension.critical => self.unknown = Some(other),
            _ => {}
        }
        Ok(())
    }
}
