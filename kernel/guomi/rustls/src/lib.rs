//! TLS 1.3 with SM2, SM3 and SM4 (RFC 8998) for rustls.

use rustls::{CipherSuite, NamedGroup, SignatureScheme};

/// TLS_SM4_GCM_SM3 (RFC 8998, 2.1).
pub const TLS_SM4_GCM_SM3: CipherSuite = CipherSuite::Unknown(0x00c6);
/// TLS_SM4_CCM_SM3 (RFC 8998, 2.1).
pub const TLS_SM4_CCM_SM3: CipherSuite = CipherSuite::Unknown(0x00c7);
/// curveSM2 (RFC 8998, 2.3).
pub const CURVE_SM2: NamedGroup = NamedGroup::Unknown(41);
/// sm2sig_sm3 (RFC 8998, 2.2).
pub const SM2SIG_SM3: SignatureScheme = SignatureScheme::Unknown(0x0708);
