"""Ed25519: the vectors of RFC 8032, refusals, and a private key that does not leave the process."""

import base64
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto import Binding, DecryptionError, Keyring, MasterKey, SealingKey, VerifyKey

# RFC 8032, section 7.1: secret key, public key, message, signature.
RFC8032 = [
    pytest.param(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
        id="test 1",
    ),
    pytest.param(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
        id="test 2",
    ),
    pytest.param(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
        id="test 3",
    ),
]
SEED = bytes(range(200, 232))
PLACE = Binding(None, "audit_keys", "sealed_private", "key-1")


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC8032)
def test_vectors_of_the_rfc(secret: str, public: str, message: str, signature: str) -> None:
    key = SealingKey(bytes.fromhex(secret))
    assert bytes(key.public).hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert key.public.verify(bytes.fromhex(message), bytes.fromhex(signature))


def test_an_independent_implementation_agrees() -> None:
    ours, theirs = SealingKey(SEED), Ed25519PrivateKey.from_private_bytes(SEED)
    assert ours.sign(b"text") == theirs.sign(b"text")
    Ed25519PublicKey.from_public_bytes(bytes(ours.public)).verify(ours.sign(b"text"), b"text")


def test_every_flipped_bit_is_rejected() -> None:
    key, message = SealingKey(SEED), b"eight by"
    signature = key.sign(message)
    for bit in range(512):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not key.public.verify(message, bytes(flipped)), bit
    for bit in range(64):
        altered = bytearray(message)
        altered[bit // 8] ^= 1 << bit % 8
        assert not key.public.verify(bytes(altered), signature), bit
    assert not SealingKey(bytes(32)).public.verify(message, signature)
    assert not any(key.public.verify(message, wrong) for wrong in (b"", signature[:-1], signature + b"\0"))


def test_a_public_key_that_signs_everything_is_rejected() -> None:
    # A point of small order: with it R = 0 and S = 0 would fit any message.
    small = VerifyKey(bytes([1]) + bytes(31))
    assert not small.verify(b"anything", bytes([1]) + bytes(63))


def test_the_textual_form_of_a_public_key() -> None:
    public = SealingKey(SEED).public
    assert VerifyKey.from_base64(public.base64) == public
    assert len({public, VerifyKey(bytes(public)), SealingKey(bytes(32)).public}) == 2
    assert public != bytes(public)
    altered = public.base64[:-2] + chr(ord(public.base64[-2]) + 1) + "="
    assert base64.b64decode(altered) == bytes(public)
    for wrong in ("", "AAAA", public.base64[:-1], " " + public.base64, public.base64 + "\n", "é" * 44, altered):
        with pytest.raises(ValueError, match="public key"):
            VerifyKey.from_base64(wrong)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_keys_of_another_size_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(bytes(size))
    with pytest.raises(ValueError, match="32 bytes"):
        VerifyKey(bytes(size))


def test_a_key_survives_sealing_at_its_place_only(keyring: Keyring, new_master: MasterKey) -> None:
    key = SealingKey.generate()
    envelope = key.sealed(keyring, PLACE)
    assert SealingKey.open(keyring, envelope, PLACE).public == key.public
    for ring, place in ((keyring, PLACE._replace(row="key-2")), (Keyring([new_master]), PLACE)):
        with pytest.raises(DecryptionError):
            SealingKey.open(ring, envelope, place)


def test_generated_keys_differ() -> None:
    assert SealingKey.generate().public != SealingKey.generate().public


def test_a_private_key_cannot_be_copied_out_by_accident() -> None:
    key = SealingKey(SEED)
    assert [repr(key), str(key)] == ["<SealingKey>", "<SealingKey>"]
    takes: list[Callable[[Any], object]] = [copy.copy, copy.deepcopy, pickle.dumps, vars, bytes]
    for take in takes:
        with pytest.raises(TypeError):
            take(key)
    shown = [name for name in dir(key) if not name.startswith("_") and not callable(getattr(key, name))]
    assert shown == ["public"]
