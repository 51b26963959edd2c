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
