"""How the log's private key lies on the disk under a passphrase: PKCS#8 (RFC 5958), encrypted by PBES2 (RFC 8018).

With scrypt (RFC 7914) and AES-256-CBC. The library that reads such files would itself write 2,048 rounds of PBKDF2,
which a graphics card tries at millions a second, so the wrapping is built here. ``openssl pkey`` reads it.
"""

from __future__ import annotations

import secrets

from asn1crypto import algos, core, keys, pem
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1  # 16 MiB; OpenSSL refuses to spend more than 32 MiB by default
SALT_BYTES = 16
_SCRYPT = "1.3.6.1.4.1.11591.4.11"


class _ScryptParams(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """Parameters of id-scrypt (RFC 7914, section 7); the optional key length is left out, as OpenSSL does."""

    _fields = [  # noqa: RUF012 - asn1crypto reads this attribute
        ("salt", core.OctetString),
        ("cost", core.Integer),
        ("block_size", core.Integer),
        ("parallelization", core.Integer),
    ]


def wrap(plain: bytes, passphrase: bytes) -> bytes:
    """Return PEM EncryptedPrivateKeyInfo over DER PrivateKeyInfo, with fresh salt and initialisation vector."""
    salt, start = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(16)
    key = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
    padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    cost = _ScryptParams({"salt": salt, "cost": SCRYPT_N, "block_size": SCRYPT_R, "parallelization": SCRYPT_P})
    scheme = algos.Pbes2Params(
        {
            "key_derivation_func": {"algorithm": _SCRYPT, "parameters": core.Any(cost)},
            "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": start},
        }
    )
    info = keys.EncryptedPrivateKeyInfo(
        {
            "encryption_algorithm": {"algorithm": "pbes2", "parameters": scheme},
            "encrypted_data": sealed,
        }
    )
    armoured: bytes = pem.armor("ENCRYPTED PRIVATE KEY", info.dump())
    return armoured


def is_wrapped(data: bytes) -> bool:
    """Return whether the bytes have the form of an encrypted private key, so that only the passphrase can be wrong."""
    try:
        _, _, der = pem.unarmor(data)
        info = keys.EncryptedPrivateKeyInfo.load(der, strict=True)
        return bool(info["encryption_algorithm"]["algorithm"].native == "pbes2" and info["encrypted_data"].native)
    except (ValueError, TypeError, KeyError):
        return False
