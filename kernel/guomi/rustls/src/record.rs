use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion,
    crypto::cipher::{
        AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
        Nonce, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm,
        UnsupportedOperationError, make_tls13_aad,
    },
};
use weihe_sm::sm4::{Aead, BLOCK, Key, TAG};

/// How SM4 protects records.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// AEAD_SM4_GCM (RFC 8998, 2).
    Gcm,
    /// AEAD_SM4_CCM (RFC 8998, 2).
    Ccm,
}

impl Mode {
    /// One direction of a connection. rustls makes keys as long as `key_len` says; one of another length protects and
    /// opens nothing.
    fn protection(self, key: &AeadKey, iv: Iv) -> Protection {
        let aead = Key::from_bytes(key.as_ref()).ok().map(|key| match self {
            Self::Gcm => Aead::gcm(&key),
            Self::Ccm => Aead::ccm(&key),
        });
        Protection { aead, iv }
    }
}

impl Tls13AeadAlgorithm for Mode {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(self.protection(&key, iv))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(self.protection(&key, iv))
    }

    fn key_len(&self) -> usize {
        // A key of SM4 is as long as its block.
        BLOCK
    }

    fn extract_keys(
        &self,
        _key: AeadKey,
        _iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        // rustls has no variant for SM4, so kTLS cannot be fed from here.
        Err(UnsupportedOperationError)
    }
}

struct Protection {
    aead: Option<Aead>,
    iv: Iv,
}

impl MessageEncrypter for Protection {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let aead = self.aead.as_ref().ok_or(Error::EncryptError)?;
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&[message.typ.into()]);
        let nonce = Nonce::new(&self.iv, sequence).0;
        let tag = aead
            .seal(&nonce, &make_tls13_aad(length), payload.as_mut())
            .map_err(|_| Error::EncryptError)?;
        payload.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            // RFC 8446, 5.2: legacy_record_version.
            ProtocolVersion::TLSv1_2,
            payload,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        // The type of the message goes in at the end (RFC 8446, 5.2).
        length + 1 + TAG
    }
}

impl MessageDecrypter for Protection {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let aead = self.aead.as_ref().ok_or(Error::DecryptError)?;
        let nonce = Nonce::new(&self.iv, sequence).0;
        let associated = make_tls13_aad(message.payload.len());
        let (data, tag) = message
            .payload
            .split_last_chunk_mut::<TAG>()
            .ok_or(Error::DecryptError)?;
        let length = data.len();
        aead.open(&nonce, &associated, data, tag)
            .map_err(|_| Error::DecryptError)?;
        message.payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key() -> AeadKey {
        AeadKey::from([7; 32])
    }

    #[test]
    fn a_key_of_another_length_protects_nothing() {
        // 32 bytes: rustls cuts keys to `key_len` before it hands them over.
        for mode in [Mode::Gcm, Mode::Ccm] {
            let mut encrypter = mode.encrypter(key(), Iv::from([0; 12]));
            let message = OutboundPlainMessage {
                typ: ContentType::ApplicationData,
                version: ProtocolVersion::TLSv1_3,
                payload: b"text".as_slice().into(),
            };
            assert_eq!(
                encrypter.encrypt(message, 0).unwrap_err(),
                Error::EncryptError
            );
        }
    }

    /// RFC 8998, appendix A.
    #[test]
    fn records_are_sealed_as_the_appendix_of_the_rfc_has_it() {
        let key = Key::from_bytes(&0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128.to_be_bytes());
        let key = key.unwrap();
        let nonce = [0, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xab, 0xcd];
        let associated = [
            0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad,
            0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2,
        ];
        let plain: Vec<u8> = [0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa]
            .into_iter()
            .flat_map(|byte| [byte; 8])
            .collect();
        let vectors = [
            (
                Aead::gcm(&key),
                [
                    0x17f3_99f0_8c67_d5ee_19d0_dc99_69c4_bb7d_u128,
                    0x5fd4_6fd3_7564_8906_9157_b282_bb20_0735,
                    0xd827_10ca_5c22_f0cc_fa7c_bf93_d496_ac15,
                    0xa568_34cb_cf98_c397_b402_4a26_9123_3b8d,
                ],
                0x83de_3541_e4c2_b581_77e0_65a9_bf7b_62ec_u128,
            ),
            (
                Aead::ccm(&key),
                [
                    0x48af_9350_1fa6_2adb_cd41_4cce_6034_d895,
                    0xdda1_bf8f_132f_0420_9866_1572_e748_3094,
                    0xfd12_e518_ce06_2c98_acee_28d9_5df4_416b,
                    0xed31_a2f0_4476_c18b_b40c_84a7_4b97_dc5b,
                ],
                0x1684_2d4f_a186_f56a_b332_5697_1fa1_10f4,
            ),
        ];
        for (aead, sealed, tag) in vectors {
            let mut data = plain.clone();
            let found = aead.seal(&nonce, &associated, &mut data).unwrap();
            assert_eq!(data, sealed.map(u128::to_be_bytes).concat());
            assert_eq!(found, tag.to_be_bytes());
        }
    }

    fn keyed(mode: Mode) -> Protection {
        let key = Key::from_bytes(&[7; BLOCK]).unwrap();
        Protection {
            aead: Some(match mode {
                Mode::Gcm => Aead::gcm(&key),
                Mode::Ccm => Aead::ccm(&key),
            }),
            iv: Iv::from([9; 12]),
        }
    }

    #[test]
    fn a_record_opens_only_whole_and_in_its_place() {
        for mode in [Mode::Gcm, Mode::Ccm] {
            let mut protection = keyed(mode);
            let message = OutboundPlainMessage {
                typ: ContentType::Handshake,
                version: ProtocolVersion::TLSv1_3,
                payload: b"finished".as_slice().into(),
            };
            let sealed = protection.encrypt(message, 5).unwrap().payload;
            let sealed = sealed.as_ref().to_vec();
            assert_eq!(
                sealed.len(),
                protection.encrypted_payload_len(b"finished".len())
            );
            let mut open = |mut bytes: Vec<u8>, sequence| {
                let message = InboundOpaqueMessage::new(
                    ContentType::ApplicationData,
                    ProtocolVersion::TLSv1_2,
                    &mut bytes,
                );
                protection
                    .decrypt(message, sequence)
                    .map(|plain| (plain.typ, plain.payload.to_vec()))
            };
            let (kind, text) = open(sealed.clone(), 5).unwrap();
            assert_eq!(kind, ContentType::Handshake);
            assert_eq!(text, b"finished");
            assert_eq!(open(sealed.clone(), 6), Err(Error::DecryptError));
            for length in 0..sealed.len() {
                assert_eq!(
                    open(sealed[..length].to_vec(), 5),
                    Err(Error::DecryptError),
                    "cut to {length} bytes"
                );
            }
            for at in 0..sealed.len() {
                let mut tampered = sealed.clone();
                tampered[at] ^= 0x40;
                assert_eq!(open(tampered, 5), Err(Error::DecryptError), "byte {at}");
            }
        }
    }
}
