//! Every backend that runs here, against the standard, RustCrypto and the portable one.
#![allow(clippy::unwrap_used)]

use aes_gcm::{AesGcm, KeyInit, aead::AeadInOut, aead::consts::U12};
use cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, InnerIvInit};
use proptest::{collection::vec, prelude::*};
use weihe_sm::sm4::{Backend, Cipher, Key, backend};

type Block = Array<u8, cipher::consts::U16>;

/// GM/T 0002-2012, appendix A: the key, which is the plaintext as well.
const SAME: [u8; 16] = 0x0123456789abcdeffedcba9876543210_u128.to_be_bytes();

fn on(backend: Backend, key: &[u8; 16]) -> Cipher {
    Cipher::on(backend, &Key::from_bytes(key).unwrap())
}

fn blocks(data: &[[u8; 16]]) -> Vec<Block> {
    data.iter().map(|block| (*block).into()).collect()
}

#[test]
fn the_fastest_backend_is_the_one_that_is_taken_and_the_portable_one_the_last_resort() {
    let all = Backend::all_here();
    println!("backends here: {all:?}");
    assert_eq!(all.first().unwrap().name(), backend());
    assert_eq!(all.last().unwrap().name(), "portable");
}

/// GM/T 0002-2012, appendix A.1.
#[test]
fn a_block_is_encrypted_as_in_the_standard() {
    for backend in Backend::all_here() {
        let cipher = on(backend, &SAME);
        for many in [1, 2, 5, 64, 65] {
            let mut data = vec![Block::from(SAME); many];
            cipher.encrypt_blocks(&mut data);
            let expected = 0x681edf34d206965e86b3e94f536e4246_u128.to_be_bytes();
            assert_eq!(data, vec![Block::from(expected); many], "{backend:?}");
            cipher.decrypt_blocks(&mut data);
            assert_eq!(data, vec![Block::from(SAME); many], "{backend:?}");
        }
    }
}

/// GM/T 0002-2012, appendix A.2.
#[test]
fn a_block_that_is_encrypted_a_million_times_is_that_of_the_standard() {
    for backend in Backend::all_here() {
        let cipher = on(backend, &SAME);
        let mut data = [Block::from(SAME)];
        for _ in 0..1_000_000 {
            cipher.encrypt_blocks(&mut data);
        }
        let expected = 0x595298c7c6fd271f0402f804c33d3f66_u128.to_be_bytes();
        assert_eq!(data, [Block::from(expected)], "{backend:?}");
    }
}

proptest! {
    #[test]
    fn all_backends_agree_with_rustcrypto_on_any_number_of_blocks(
        key: [u8; 16],
        data in vec(any::<[u8; 16]>(), 0..200),
    ) {
        let plain = blocks(&data);
        let mut expected = plain.clone();
        sm4::Sm4::new(&key.into()).encrypt_blocks(&mut expected);
        for backend in Backend::all_here() {
            let cipher = on(backend, &key);
            let mut data = plain.clone();
            cipher.encrypt_blocks(&mut data);
            prop_assert_eq!(&data, &expected, "{:?}", backend);
            cipher.decrypt_blocks(&mut data);
            prop_assert_eq!(&data, &plain, "{:?}", backend);
        }
    }

    #[test]
    fn modes_written_over_the_traits_take_all_backends(
        key: [u8; 16],
        nonce: [u8; 12],
        data in vec(any::<u8>(), 0..3000),
        iv: [u8; 16],
    ) {
        let mut expected = data.clone();
        let tag = AesGcm::<sm4::Sm4, U12>::new(&key.into())
            .encrypt_inout_detached(&nonce.into(), b"", expected.as_mut_slice().into())
            .unwrap();
        let encrypted = blocks(data.as_chunks().0);
        let mut decrypted = encrypted.clone();
        cbc::Decryptor::inner_iv_init(sm4::Sm4::new(&key.into()), &iv.into())
            .decrypt_blocks(&mut decrypted);
        for backend in Backend::all_here() {
            let mut data = data.clone();
            let ours = AesGcm::<Cipher, U12>::from(on(backend, &key))
                .encrypt_inout_detached(&nonce.into(), b"", data.as_mut_slice().into())
                .unwrap();
            prop_assert_eq!(&data, &expected, "{:?}", backend);
            prop_assert_eq!(ours, tag, "{:?}", backend);
            let mut blocks = encrypted.clone();
            cbc::Decryptor::inner_iv_init(on(backend, &key), &iv.into()).decrypt_blocks(&mut blocks);
            prop_assert_eq!(&blocks, &decrypted, "{:?}", backend);
        }
    }
}
