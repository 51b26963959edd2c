"""OpenSSL 4 by way of `cryptography`: answers each line with a line; see line.rs."""

import sys

from cryptography.hazmat.primitives import hashes, hmac, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC


def sm3(data):
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def mac(key, data):
    mac = hmac.HMAC(key, hashes.SM3())
    mac.update(data)
    return mac.finalize()


def seal(key, mode, data, pad=True):
    if pad:
        padder = padding.PKCS7(128).padder()
        data = padder.update(data) + padder.finalize()
    encryptor = Cipher(algorithms.SM4(key), mode).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def open_(key, mode, data):
    decryptor = Cipher(algorithms.SM4(key), mode).decryptor()
    data = decryptor.update(data) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(data) + unpadder.finalize()


def gcm(key, nonce, associated, data):
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(data) + encryptor.finalize() + encryptor.tag


def number(data):
    return int.from_bytes(data, "big")


ANSWERS = {
    "sm3": sm3,
    "hmac": mac,
    "ecb": lambda key, data: seal(key, modes.ECB(), data),
    "ecb-open": lambda key, data: open_(key, modes.ECB(), data),
    "cbc": lambda key, iv, data: seal(key, modes.CBC(iv), data),
    "cbc-open": lambda key, iv, data: open_(key, modes.CBC(iv), data),
    "ctr": lambda key, counter, data: seal(key, modes.CTR(counter), data, pad=False),
    "gcm": gcm,
    "hkdf": lambda salt, data, info, length: HKDF(
        hashes.SM3(), number(length), salt, info
    ).derive(data),
    "pbkdf2": lambda password, salt, rounds, length: PBKDF2HMAC(
        hashes.SM3(), number(length), salt, number(rounds)
    ).derive(password),
}

for line in sys.stdin:
    what, *arguments = line.split()
    arguments = [b"" if digits == "-" else bytes.fromhex(digits) for digits in arguments]
    try:
        print(ANSWERS[what](*arguments).hex() or "-", flush=True)
    except Exception as error:
        print("error", repr(error).replace("\n", " "), flush=True)
