//! Addresses as they stand in `weihe.toml`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A host, by name or number, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::str::FromStr for Address {
    type Err = String;

    /// Reads `host:port`, `192.0.2.1:port` or `[2001:db8::1]:port`. The error completes the
    /// sentence "the address …".
    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("\"{text}\" has no port"))?;
        let port = match port.parse() {
            Ok(0) | Err(_) => return Err(format!("\"{text}\" has no port from 1 to 65535")),
            Ok(port) => port,
        };
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(inner) if inner.parse::<Ipv6Addr>().is_ok() => inner,
            Some(inner) => return Err(format!("\"{inner}\" is not an IPv6 address")),
            None if host.contains(':') => {
                return Err(format!(
                    "\"{text}\" is ambiguous; write [IPv6 address]:port"
                ));
            }
            None => host,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || "/[]".contains(c)) {
            return Err(format!("\"{text}\" has no valid host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(host)) => write!(f, "[{host}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_numbers_are_read_and_shown_alike() {
        for text in ["gateway.local:502", "10.0.0.7:65535", "[::1]:1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert!(error("gateway").contains("no port"));
        assert!(error("gateway:0").contains("1 to 65535"));
        assert!(error("gateway:99999").contains("1 to 65535"));
        assert!(error("::1:502").contains("ambiguous"));
        assert!(error("[gateway]:502").contains("IPv6"));
        assert!(error(":502").contains("no valid host"));
        assert!(error("http://gateway:80").contains("ambiguous"));
        assert!(error("a b:80").contains("no valid host"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
            }
        }
    }
}
