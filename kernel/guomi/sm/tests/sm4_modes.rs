//! The modes of SM4 against those of RustCrypto over its own SM4, on all backends.
#![allow(clippy::unwrap_used)]

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{
        Aead as _, Payload,
        array::ArraySize,
        consts::{U1, U4, U7, U8, U10, U12, U13, U14, U16, U24},
    },
};
use cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, StreamCipher, block_padding::Pkcs7};
use proptest::{collection::vec, prelude::*, sample::Index};
use sm_crypto::sm4::{CryptSM4CBC, CryptSM4ECB};
use weihe_sm::{
    Error,
    sm4::{
        Aead, Backend, Cbc, Cipher, Ctr, Decryptor, Ecb, Encryptor, GcmOpener, GcmSealer, Key,
        Padding,
    },
};

type Sm4 = sm4::Sm4;

fn all(key: &[u8; 16]) -> impl Iterator<Item = Cipher> {
    let key = Key::from_bytes(key).unwrap();
    Backend::all_here()
        .into_iter()
        .map(move |backend| Cipher::on(backend, &key))
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..100), vec(any::<u8>(), 0..4000)]
}

/// Data cut where the indices say.
fn pieces<'a>(data: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
    at.extend([0, data.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| &data[ends[0]..ends[1]]).collect()
}

fn encrypt(mut encryptor: Encryptor, pieces: &[&[u8]]) -> Vec<u8> {
    let mut out: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| encryptor.update(piece))
        .collect();
    out.extend(encryptor.finish().unwrap());
    out
}

fn decrypt(mut decryptor: Decryptor, pieces: &[&[u8]]) -> Vec<u8> {
    let mut out: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| decryptor.update(piece))
        .collect();
    out.extend(decryptor.finish().unwrap());
    out
}

proptest! {
    #[test]
    fn ecb_agrees(key: [u8; 16], data in data(), cuts: [Index; 3]) {
        let expected = ecb::Encryptor::<Sm4>::new(&key.into()).encrypt_padded_vec::<Pkcs7>(&data);
        for cipher in all(&key) {
            let ecb = Ecb::new(cipher);
            prop_assert_eq!(&ecb.encrypt(Padding::Pkcs7, &data).unwrap(), &expected);
            prop_assert_eq!(&ecb.decrypt(Padding::Pkcs7, &expected).unwrap(), &data);
            let sealed = encrypt(ecb.encryptor(Padding::Pkcs7), &pieces(&data, &cuts));
            prop_assert_eq!(&sealed, &expected);
            let opened = decrypt(ecb.decryptor(Padding::Pkcs7), &pieces(&expected, &cuts));
            prop_assert_eq!(&opened, &data);
            let whole = &expected[..data.len() / 16 * 16];
            prop_assert_eq!(&ecb.decrypt(Padding::None, whole).unwrap(), &data[..whole.len()]);
            let opened = decrypt(ecb.decryptor(Padding::None), &pieces(whole, &cuts));
            prop_assert_eq!(&opened, &data[..whole.len()]);
        }
    }

    #[test]
    fn cbc_agrees(key: [u8; 16], iv: [u8; 16], data in data(), cuts: [Index; 3]) {
        let expected = cbc::Encryptor::<Sm4>::new(&key.into(), &iv.into())
            .encrypt_padded_vec::<Pkcs7>(&data);
        for cipher in all(&key) {
            let cbc = Cbc::new(cipher);
            prop_assert_eq!(&cbc.encrypt(&iv, Padding::Pkcs7, &data).unwrap(), &expected);
            prop_assert_eq!(&cbc.decrypt(&iv, Padding::Pkcs7, &expected).unwrap(), &data);
            let sealed = encrypt(cbc.encryptor(&iv, Padding::Pkcs7), &pieces(&data, &cuts));
            prop_assert_eq!(&sealed, &expected);
            let opened = decrypt(cbc.decryptor(&iv, Padding::Pkcs7), &pieces(&expected, &cuts));
            prop_assert_eq!(&opened, &data);
        }
    }

    #[test]
    fn sm_crypto_agrees_where_it_is_sound(key: [u8; 16], iv: [u8; 16], data in data()) {
        let ours = Key::from_bytes(&key).unwrap();
        let theirs = CryptSM4ECB::new(&key);
        let encrypted = Ecb::new(&ours).encrypt(Padding::Pkcs7, &data).unwrap();
        prop_assert_eq!(&encrypted, &theirs.encrypt_ecb(&data));
        prop_assert_eq!(&theirs.decrypt_ecb(&encrypted), &data);
        let theirs = CryptSM4CBC::new(&key, &iv);
        let encrypted = Cbc::new(&ours).encrypt(&iv, Padding::Pkcs7, &data).unwrap();
        prop_assert_eq!(&encrypted, &theirs.encrypt_cbc(&data));
        prop_assert_eq!(&theirs.decrypt_cbc(&encrypted), &data);
    }

    #[test]
    fn what_is_no_ciphertext_is_refused_as_rustcrypto_does(
        key: [u8; 16],
        iv: [u8; 16],
        data in vec(any::<u8>(), 0..50),
    ) {
        let expected = cbc::Decryptor::<Sm4>::new(&key.into(), &iv.into())
            .decrypt_padded_vec::<Pkcs7>(&data);
        for cipher in all(&key) {
            let found = Cbc::new(cipher).decrypt(&iv, Padding::Pkcs7, &data);
            prop_assert_eq!(found.ok(), expected.as_ref().ok().cloned());
        }
    }

    #[test]
    fn ctr_agrees_wherever_the_counter_begins(
        key: [u8; 16],
        counter in prop_oneof![any::<u128>(), (u128::MAX - 300)..=u128::MAX, Just(u64::MAX.into())],
        data in data(),
        cuts: [Index; 4],
    ) {
        let counter = counter.to_be_bytes();
        let mut expected = data.clone();
        ctr::Ctr128BE::<Sm4>::new(&key.into(), &counter.into()).apply_keystream(&mut expected);
        for cipher in all(&key) {
            let mut ctr = Ctr::new(cipher, &counter);
            let found: Vec<u8> = pieces(&data, &cuts).iter().flat_map(|piece| ctr.update(piece)).collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn gcm_agrees_with_nonces_of_any_length(
        key: [u8; 16],
        nonce: [u8; 24],
        associated in vec(any::<u8>(), 0..70),
        data in data(),
        cuts: [Index; 4],
    ) {
        fn expected<N: ArraySize>(key: &[u8; 16], nonce: &[u8], payload: Payload<'_, '_>) -> Vec<u8> {
            AesGcm::<Sm4, N>::new(key.into()).encrypt(nonce.try_into().unwrap(), payload).unwrap()
        }
        for length in [12, 1, 8, 16, 24] {
            let nonce = &nonce[..length];
            let payload = Payload { msg: &data, aad: &associated };
            let expected = match length {
                1 => expected::<U1>(&key, nonce, payload),
                8 => expected::<U8>(&key, nonce, payload),
                12 => expected::<U12>(&key, nonce, payload),
                16 => expected::<U16>(&key, nonce, payload),
                _ => expected::<U24>(&key, nonce, payload),
            };
            let (encrypted, tag) = expected.split_at(data.len());
            for cipher in all(&key) {
                let gcm = Aead::gcm(cipher.clone());
                let mut buffer = data.clone();
                prop_assert_eq!(&gcm.seal(nonce, &associated, &mut buffer).unwrap()[..], tag);
                prop_assert_eq!(&buffer, encrypted);
                gcm.open(nonce, &associated, &mut buffer, tag.try_into().unwrap()).unwrap();
                prop_assert_eq!(&buffer, &data);

                let mut sealer = GcmSealer::new(cipher.clone(), nonce, &associated).unwrap();
                let mut opener = GcmOpener::new(cipher, nonce, &associated).unwrap();
                let mut sealed = Vec::new();
                for piece in pieces(&data, &cuts) {
                    sealed.extend(sealer.update(piece).unwrap());
                }
                prop_assert_eq!(&sealed, encrypted);
                prop_assert_eq!(&sealer.finish()[..], tag);
                for piece in pieces(encrypted, &cuts) {
                    opener.update(piece).unwrap();
                }
                prop_assert_eq!(&opener.finish(tag.try_into().unwrap()).unwrap(), &data);
            }
        }
    }

    #[test]
    fn whatever_was_tampered_with_is_refused_and_left_as_it_was(
        key: [u8; 16],
        nonce: [u8; 12],
        associated in vec(any::<u8>(), 0..40),
        data in vec(any::<u8>(), 0..400),
        at: Index,
        bit in 0..8_u8,
    ) {
        let key = Key::from_bytes(&key).unwrap();
        for aead in [Aead::gcm(&key), Aead::ccm(&key)] {
            let mut sealed = data.clone();
            let tag = aead.seal(&nonce, &associated, &mut sealed).unwrap();
            let mut message = [&nonce[..], &associated, &tag, &sealed].concat();
            let at = at.index(message.len());
            message[at] ^= 1 << bit;
            let (nonce, rest) = message.split_at(12);
            let (associated, rest) = rest.split_at(associated.len());
            let (tag, encrypted) = rest.split_at(16);
            let tag = tag.try_into().unwrap();
            let mut buffer = encrypted.to_vec();
            prop_assert_eq!(aead.open(nonce, associated, &mut buffer, tag), Err(Error::Decrypt));
            prop_assert_eq!(&buffer, encrypted);
        }
    }
}

proptest! {
    // Associated data whose length takes six bytes is long: fewer cases do.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn ccm_agrees_with_all_nonces_and_tags(
        key: [u8; 16],
        nonce: [u8; 13],
        associated in prop_oneof![vec(any::<u8>(), 0..70), vec(any::<u8>(), 0xfef0..0xff20)],
        data in vec(any::<u8>(), 0..400),
    ) {
        fn expected<N, T>(key: &[u8; 16], nonce: &[u8], payload: Payload<'_, '_>) -> Vec<u8>
        where
            N: ArraySize + ccm::NonceSize,
            T: ArraySize + ccm::TagSize,
        {
            ccm::Ccm::<Sm4, T, N>::new(key.into()).encrypt(nonce.try_into().unwrap(), payload).unwrap()
        }
        for (length, size) in [(7, 16), (13, 16), (12, 4), (12, 8), (10, 10), (8, 14)] {
            let nonce = &nonce[..length];
            let payload = Payload { msg: &data, aad: &associated };
            let expected = match (length, size) {
                (7, _) => expected::<U7, U16>(&key, nonce, payload),
                (13, _) => expected::<U13, U16>(&key, nonce, payload),
                (12, 4) => expected::<U12, U4>(&key, nonce, payload),
                (12, _) => expected::<U12, U8>(&key, nonce, payload),
                (10, _) => expected::<U10, U10>(&key, nonce, payload),
                _ => expected::<U8, U14>(&key, nonce, payload),
            };
            let (encrypted, tag) = expected.split_at(data.len());
            for cipher in all(&key) {
                let ccm = Aead::ccm(cipher);
                let (mut buffer, mut made) = (data.clone(), vec![0; size]);
                ccm.seal_short(nonce, &associated, &mut buffer, &mut made).unwrap();
                prop_assert_eq!((&buffer[..], &made[..]), (encrypted, tag));
                ccm.open_short(nonce, &associated, &mut buffer, tag, size).unwrap();
                prop_assert_eq!(&buffer, &data);
            }
        }
    }
}
