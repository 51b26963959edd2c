//! What a handshake failed of, in words that say what to do.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// What went wrong, from what the transport says.
pub fn reason(error: &io::Error) -> String {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(error) => of(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the peer hung up during the handshake: is TLS spoken there?".to_owned()
        }
        None => error.to_string(),
    }
}

fn of(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => alert_received(*alert),
        Error::PeerIncompatible(incompatible) => match incompatible {
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
                "the peer offers no common cipher suite: both sides need the same `suites` (guomi or standard)".to_owned()
            }
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls13RequiredForQuic => {
                "the peer does not speak TLS 1.3: let it, or renew its software".to_owned()
            }
            other => format!("the peer speaks another TLS: {other:?}"),
        },
        Error::NoCertificatesPresented => {
            "the peer shows no certificate: give it one of the authority that is trusted here".to_owned()
        }
        Error::InvalidMessage(_) => "the peer does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the peer's certificate has expired: renew it (or is a clock wrong?)".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the peer's certificate is not valid yet: is a clock wrong?".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the peer's certificate comes from an authority that is not trusted here: put its certificate into the file that `trust` names".to_owned()
        }
        CertificateError::NotValidForName => {
            "the peer's certificate is for another host: name the host in it with `server-name`".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the peer's certificate is for {}, not for {}: name the host in it with `server-name`",
            match presented.is_empty() {
                true => "no host".to_owned(),
                false => hosts(presented),
            },
            expected.to_str()
        ),
        CertificateError::Revoked => "the peer's certificate was revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the peer's certificate is for another purpose: servers need one for servers, clients one for clients".to_owned()
        }
        CertificateError::BadSignature => {
            "the peer's certificate has a wrong signature".to_owned()
        }
        other => format!("the peer's certificate is not taken: {other}"),
    }
}

/// The hosts of a certificate; webpki shows them as `DnsName("gateway")` and `IpAddress(127.0.0.1)`.
fn hosts(presented: &[String]) -> String {
    let bare = |host: &String| -> String {
        let inner = host
            .split_once('(')
            .map_or(host.as_str(), |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let hosts: Vec<String> = presented.iter().map(bare).collect();
    hosts.join(", ")
}

fn alert_received(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "the peer knows no common cipher suite: both sides need the same `suites` (guomi or standard)"
        }
        AlertDescription::ProtocolVersion => "the peer does not speak TLS 1.3: let it, or renew its software",
        AlertDescription::CertificateRequired => {
            "the peer wants a certificate: name one with `certificate` and `key`"
        }
        AlertDescription::CertificateExpired => "the peer says that the certificate shown to it has expired: renew it",
        AlertDescription::UnknownCA => {
            "the peer does not trust the authority of the certificate shown to it: take a certificate of an authority that it trusts"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked => "the peer refuses the certificate shown to it: look there for the reason",
        _ => return format!("the peer ended the handshake: {alert:?}"),
    }
    .to_owned()
}
