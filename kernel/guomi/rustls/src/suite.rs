use rustls::{CipherSuite, SupportedCipherSuite, Tls13CipherSuite, crypto::CipherSuiteCommon};

use crate::{code_point, hash::Sm3, hkdf::HkdfSm3, record::Mode};

/// Records of 16 KiB under one GCM key; rustls renews the key before. As for AES: the bound comes from the block of
/// 128 bits (RFC 8446, 5.5, names 2^24.5).
const GCM_RECORDS: u64 = 1 << 24;
/// Records of 16 KiB under one CCM key. As for AES (RFC 9147, 4.5.3).
const CCM_RECORDS: u64 = 1 << 23;

const fn suite(suite: CipherSuite, mode: &'static Mode, records: u64) -> Tls13CipherSuite {
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite,
            hash_provider: &Sm3,
            confidentiality_limit: records,
        },
        hkdf_provider: &HkdfSm3,
        aead_alg: mode,
        // RFC 8998 has no header protection for QUIC.
        quic: None,
    }
}

static GCM: Tls13CipherSuite = suite(code_point::TLS_SM4_GCM_SM3, &Mode::Gcm, GCM_RECORDS);
static CCM: Tls13CipherSuite = suite(code_point::TLS_SM4_CCM_SM3, &Mode::Ccm, CCM_RECORDS);

/// TLS_SM4_GCM_SM3 (RFC 8998, 2).
pub static TLS_SM4_GCM_SM3: SupportedCipherSuite = SupportedCipherSuite::Tls13(&GCM);
/// TLS_SM4_CCM_SM3 (RFC 8998, 2).
pub static TLS_SM4_CCM_SM3: SupportedCipherSuite = SupportedCipherSuite::Tls13(&CCM);
