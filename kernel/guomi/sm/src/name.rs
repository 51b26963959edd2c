use std::str::FromStr;

use x509_cert::name::Name;

use crate::Error;

/// A distinguished name from its text (RFC 4514): `CN=gateway,O=Weihe,C=CN`.
pub(crate) fn parse(text: &str) -> Result<Name, Error> {
    let wrong = |why: String| Error::Form {
        what: "a distinguished name, such as `CN=gateway,O=Weihe`",
        why: format!("`{text}`: {why}"),
    };
    let name = Name::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if name.is_empty() {
        return Err(wrong("it is empty".to_owned()));
    }
    Ok(name)
}
