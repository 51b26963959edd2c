use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use der::asn1::Ia5String;
use x509_cert::ext::pkix::name::GeneralName;

use crate::Error;

/// What a certificate of a server is for (RFC 5280, 4.2.1.6): a DNS name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in small letters; in a certificate it may begin with `*.`, which stands for one label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl Host {
    /// Whether this entry of a certificate is for `host` (RFC 9525, 6.3).
    pub fn matches(&self, host: &Self) -> bool {
        match (self, host) {
            (Self::Ip(own), Self::Ip(other)) => own == other,
            (Self::Dns(own), Self::Dns(other)) => {
                let (own, other) = (own.to_ascii_lowercase(), other.to_ascii_lowercase());
                match own.strip_prefix("*.") {
                    // A name above a star is never a whole top level.
                    Some(above) if above.contains('.') => other
                        .split_once('.')
                        .is_some_and(|(label, rest)| !label.is_empty() && rest == above),
                    Some(_) => false,
                    None => own == other,
                }
            }
            _ => false,
        }
    }

    pub(crate) fn to_name(&self) -> Result<GeneralName, Error> {
        match self {
            Self::Ip(address) => Ok(GeneralName::from(*address)),
            Self::Dns(name) => {
                // Whoever made the value by hand hasn't gone through `from_str`.
                let Self::Dns(name) = name.parse()? else {
                    return Err(wrong(name));
                };
                Ok(GeneralName::DnsName(
                    Ia5String::new(&name).map_err(|_| wrong(&name))?,
                ))
            }
        }
    }

    /// None for a name of another kind.
    pub(crate) fn from_name(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::DnsName(name) => Some(Self::Dns(name.as_str().to_ascii_lowercase())),
            GeneralName::IpAddress(bytes) => {
                let bytes = bytes.as_bytes();
                let four = <[u8; 4]>::try_from(bytes).map(|b| IpAddr::V4(Ipv4Addr::from(b)));
                let six = <[u8; 16]>::try_from(bytes).map(|b| IpAddr::V6(Ipv6Addr::from(b)));
                four.or(six).ok().map(Self::Ip)
            }
            _ => None,
        }
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        let fits = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if name.len() <= 253 && labels.split('.').all(fits) {
            Ok(Self::Dns(name))
        } else {
            Err(wrong(text))
        }
    }
}

fn wrong(text: &str) -> Error {
    Error::Form {
        what: "the name of a host or an IP address",
        why: format!("`{}`", text.escape_debug()),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "{}", name.escape_debug()),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}
