"""Passwords and tokens."""

import base64
import hashlib
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type, hash_secret, verify_secret

from crypto import hash_password, hash_token, new_token, password_needs_rehash, verify_password

# Has a ligature, which NFKC takes apart.
PASSWORD = "correct horse \ufb01sh"


@pytest.fixture(scope="module")
def stored() -> str:
    return hash_password(PASSWORD)


class Spent:
    """The argon2 work done through the library: the hash texts verified, and how many hashes were computed."""

    def __init__(self) -> None:
        self.verified: list[str] = []
        self.hashed = 0


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Spent:
    record = Spent()

    def verifying(hash_text: bytes, *args: Any) -> bool:
        record.verified.append(hash_text.decode())
        return verify_secret(hash_text, *args)

    def hashing(**kwargs: Any) -> bytes:
        record.hashed += 1
        return hash_secret(**kwargs)

    monkeypatch.setattr("argon2._password_hasher.verify_secret", verifying)
    monkeypatch.setattr("argon2._password_hasher.hash_secret", hashing)
    return record


def test_only_the_password_fits(stored: str) -> None:
    assert verify_password(stored, PASSWORD)
    assert not verify_password(stored, PASSWORD + " ")
    assert not verify_password(stored, "")


def test_parameters_are_the_second_recommendation_of_rfc_9106(stored: str) -> None:
    parameters = extract_parameters(stored)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (64 * 1024, 3, 4)
    assert (parameters.salt_len, parameters.hash_len, parameters.version) == (16, 32, 19)
    # OWASP's minimum, m=19 MiB and t=2, is exceeded in both.
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


def test_two_hashes_of_one_password_differ(stored: str) -> None:
    assert hash_password(PASSWORD) != stored


def test_compatible_spellings_of_one_password_are_equal(stored: str) -> None:
    assert verify_password(stored, "correct horse fish")
    decomposed, composed = "cafe\u0301", "caf\u00e9"
    assert verify_password(hash_password(decomposed), composed)


def test_unencodable_passwords_are_hashed_like_any_other() -> None:
    assert verify_password(hash_password("\ud800x"), "\ud800x")


def test_an_unknown_account_costs_exactly_what_a_wrong_password_costs(stored: str, spent: Spent) -> None:
    assert not verify_password(stored, "wrong")
    known = (len(spent.verified), spent.hashed, extract_parameters(spent.verified[0]))
    spent.verified.clear()
    assert not verify_password(None, "wrong")
    unknown = (len(spent.verified), spent.hashed, extract_parameters(spent.verified[0]))
    assert known == unknown == (1, 0, extract_parameters(stored))


def test_an_unknown_account_always_meets_the_same_dummy(spent: Spent) -> None:
    verify_password(None, "one")
    verify_password(None, "two")
    assert spent.verified[0] == spent.verified[1]


def test_an_unknown_account_is_refused_even_if_the_dummy_were_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argon2._password_hasher.verify_secret", lambda *_: True)
    assert not verify_password(None, "anything")


@pytest.mark.parametrize("malformed", ["", "plain", "$argon2id$", "$argon2id$v=19$m=65536,t=3,p=4$AAAA", "$2b$12$abc"])
def test_a_malformed_stored_hash_is_an_error_that_does_not_repeat_it(malformed: str) -> None:
    with pytest.raises(ValueError, match=r"^the stored password hash is malformed$"):
        verify_password(malformed, PASSWORD)
    with pytest.raises(ValueError, match=r"^the stored password hash is malformed$"):
        password_needs_rehash(malformed)


def test_weaker_hashes_ask_to_be_renewed(stored: str) -> None:
    assert not password_needs_rehash(stored)
    weaker = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    assert password_needs_rehash(weaker)


def test_tokens_are_long_random_and_url_safe() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)


def test_tokens_are_stored_as_sha_256() -> None:
    assert hash_token("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_token("ä") == hashlib.sha256("ä".encode()).digest()
    assert len(hash_token("\ud800")) == 32
