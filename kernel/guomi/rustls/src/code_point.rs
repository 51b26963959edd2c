use rustls::{CipherSuite, NamedGroup, SignatureScheme};

// rustls has no names for these: its enums carry any other number as `Unknown`.

/// TLS_SM4_GCM_SM3 (RFC 8998, 2).
pub const TLS_SM4_GCM_SM3: CipherSuite = CipherSuite::Unknown(0x00c6);
/// TLS_SM4_CCM_SM3 (RFC 8998, 2).
pub const TLS_SM4_CCM_SM3: CipherSuite = CipherSuite::Unknown(0x00c7);
/// curveSM2 (RFC 8998, 2).
pub const CURVE_SM2: NamedGroup = NamedGroup::Unknown(41);
/// sm2sig_sm3 (RFC 8998, 2).
pub const SM2SIG_SM3: SignatureScheme = SignatureScheme::Unknown(0x0708);

/// The suites with the names that RFC 8998 gives them, which rustls cannot show.
const NAMES: [(&str, CipherSuite); 2] = [
    ("TLS_SM4_GCM_SM3", TLS_SM4_GCM_SM3),
    ("TLS_SM4_CCM_SM3", TLS_SM4_CCM_SM3),
];

/// The suite of a name, as OpenSSL and RFC 8998 write it.
///
/// ```
/// use rustls_guomi::{TLS_SM4_GCM_SM3, cipher_suite};
///
/// assert_eq!(cipher_suite::named("TLS_SM4_GCM_SM3"), Some(TLS_SM4_GCM_SM3));
/// assert_eq!(cipher_suite::named("TLS_AES_128_GCM_SHA256"), None);
/// ```
pub fn named(name: &str) -> Option<CipherSuite> {
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found.map(|(_, suite)| *suite)
}

/// The name of a suite of RFC 8998: rustls shows it as `Unknown` with a number.
///
/// ```
/// use rustls_guomi::{TLS_SM4_CCM_SM3, cipher_suite};
///
/// assert_eq!(cipher_suite::name(TLS_SM4_CCM_SM3), Some("TLS_SM4_CCM_SM3"));
/// ```
pub fn name(suite: CipherSuite) -> Option<&'static str> {
    let found = NAMES.iter().find(|(_, known)| *known == suite);
    found.map(|(name, _)| *name)
}
