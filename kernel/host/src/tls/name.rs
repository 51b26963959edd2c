//! What a certificate calls its owner.

use der::Decode as _;
use der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::Certificate;

/// commonName.
const COMMON_NAME: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("2.5.4.3");

/// The common name of a certificate's subject; none where it has none, several, or one that is no plain text.
pub fn common_name(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let subject = certificate.tbs_certificate().subject();
    let mut names = subject.iter().filter(|part| part.oid == COMMON_NAME);
    let (first, second) = (names.next()?, names.next());
    if second.is_some() {
        return None;
    }
    let value = &first.value;
    let text = value
        .decode_as::<Utf8StringRef<'_>>()
        .map(|text| text.as_str().to_owned())
        .or_else(|_| {
            let text = value.decode_as::<PrintableStringRef<'_>>();
            text.map(|text| text.as_str().to_owned())
        })
        .ok()?;
    let is_plain = !text.is_empty() && !text.chars().any(char::is_control);
    is_plain.then_some(text)
}
