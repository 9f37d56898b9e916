"""Every way to forge, bend or replay a token that we know of."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from backend.domains.identity.tokens import Organisation, TokenVerifier
from backend.kernel.errors import Unauthenticated
from tests.identity.kit import ISSUER, PARTY, b64, claims, header, hs256, jwk, pem, rs256, rsa_key, token


class Keys:
    """The provider's one key."""

    async def key(self, kid: str) -> rsa.RSAPublicKey | None:
        return rsa_key("one").public_key() if kid == "one" else None


def verifier() -> TokenVerifier:
    return TokenVerifier(Keys(), issuer=ISSUER, authorized_parties=frozenset({PARTY}), now=time.time)


async def refused(text: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        await verifier().verify(text)
    assert caught.value.code == "unauthenticated"
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")
    return caught.value


async def test_good_token() -> None:
    found = await verifier().verify(token(claims(email="ada@example.com", name="Ada")))
    assert (found.subject, found.session_id, found.email, found.name) == (
        "user_2abc",
        "sess_2abc",
        "ada@example.com",
        "Ada",
    )
    assert found.organisation is None


def pss(data: bytes) -> bytes:
    return rsa_key("one").sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def es256(data: bytes) -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).sign(data, ec.ECDSA(hashes.SHA256()))


ATTACKS: dict[str, Callable[[], str]] = {
    "none": lambda: token(head=header(alg="none"), sign=lambda _: b""),
    "none with a signature": lambda: token(head=header(alg="none")),
    "None in capitals": lambda: token(head=header(alg="NONE"), sign=lambda _: b"x"),
    "lower case": lambda: token(head=header(alg="rs256")),
    "HS256 with the public key": lambda: token(head=header(alg="HS256"), sign=hs256(pem(rsa_key("one")))),
    "HS256 with the modulus": lambda: token(head=header(alg="HS256"), sign=hs256(jwk("one")["n"].encode())),
    "RS512": lambda: token(
        head=header(alg="RS512"), sign=lambda d: rsa_key("one").sign(d, padding.PKCS1v15(), hashes.SHA512())
    ),
    "PS256": lambda: token(
        head=header(alg="PS256"), sign=pss
    ),
    "ES256": lambda: token(
        head=header(alg="ES256"), sign=es256
    ),
    "PSS under the name RS256": lambda: token(sign=pss),
    "no alg": lambda: token(head=header(alg=...)),
    "alg of another type": lambda: token(head=header(alg=["RS256"])),
    "foreign key under a known id": lambda: token(sign=rs256(rsa_key("foreign"))),
    "foreign key under its own id": lambda: token(head=header(kid="foreign"), sign=rs256(rsa_key("foreign"))),
    "no kid": lambda: token(head=header(kid=...)),
    "kid as a path": lambda: token(head=header(kid="../../dev/null"), sign=rs256(rsa_key("foreign"))),
    "kid as SQL": lambda: token(head=header(kid="' OR 1=1 --"), sign=rs256(rsa_key("foreign"))),
    "kid with a line break": lambda: token(head=header(kid="one\n")),
    "kid of another type": lambda: token(head=header(kid={"one": 1})),
    "kid that is huge": lambda: token(head=header(kid="k" * 4000)),
    "embedded jwk": lambda: token(head=header(jwk=jwk("x", rsa_key("foreign"))), sign=rs256(rsa_key("foreign"))),
    "embedded jwk beside a good signature": lambda: token(head=header(jwk=jwk("one"))),
    "jku": lambda: token(head=header(jku="https://evil.example/jwks.json")),
    "x5u": lambda: token(head=header(x5u="https://evil.example/x")),
    "x5c": lambda: token(head=header(x5c=["AAAA"])),
    "crit": lambda: token(head=header(crit=["exp"])),
    "crit that is empty": lambda: token(head=header(crit=[])),
    "unencoded payload": lambda: token(head=header(b64=False, crit=["b64"])),
    "another typ": lambda: token(head=header(typ="at+jwt")),
    "header that is a list": lambda: token(head=b"[]"),
    "header that is no JSON": lambda: token(head=b"{"),
    "header that is no UTF-8": lambda: token(head=b'{"alg":"\xff"}'),
    "header that is deep": lambda: token(head=b'{"a":' * 900 + b"1" + b"}" * 900),
    "payload that is a list": lambda: token(b"[]"),
    "payload that is no JSON": lambda: token(b"{"),
    "payload that is no UTF-8": lambda: token(b'{"iss":"\xff"}'),
    "expired": lambda: token(claims(exp=int(time.time()) - 6)),
    "expires at the end of time": lambda: token(claims(exp=1e300)),
    "expiry before the epoch": lambda: token(claims(exp=-1)),
    "expiry as text": lambda: token(claims(exp="9999999999")),
    "expiry true": lambda: token(claims(exp=True)),
    "nbf in future": lambda: token(claims(nbf=int(time.time()) + 30)),
    "iat in future": lambda: token(claims(iat=int(time.time()) + 30)),
    "other issuer": lambda: token(claims(iss="https://clerk.example.com.evil.example")),
    "issuer with a slash": lambda: token(claims(iss=ISSUER + "/")),
    "other party": lambda: token(claims(azp="https://evil.example")),
    "party as a list": lambda: token(claims(azp=[PARTY])),
    "pending": lambda: token(claims(sts="pending")),
    "status of the future": lambda: token(claims(sts="frozen")),
    "subject with a NUL": lambda: token(claims(sub="user_\x00")),
    "subject with a line break": lambda: token(claims(sub="user_1\n")),
    "subject that is empty": lambda: token(claims(sub="")),
    "session with a space": lambda: token(claims(sid="a b")),
    "broken organisation": lambda: token(claims(o="org_1")),
    "oversize": lambda: token(claims(extra="x" * 9000)),
    "empty": lambda: "",
    "two parts": lambda: token().rpartition(".")[0],
    "four parts": lambda: token() + ".AAAA",
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "padding": lambda: token() + "==",
    "line break": lambda: token() + "\n",
    "not ASCII": lambda: token() + "é",
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
async def test_attack_is_refused(attack: str) -> None:
    await refused(ATTACKS[attack]())


@pytest.mark.parametrize("name", ["iss", "azp", "sub", "sid", "exp", "nbf", "iat"])
async def test_missing_claim(name: str) -> None:
    await refused(token(claims(**{name: ...})))
    await refused(token(claims(**{name: None})))


async def test_no_character_of_a_token_can_be_changed() -> None:
    good = token()
    await verifier().verify(good)
    for index in range(len(good)):
        replaced = "A" if good[index] != "A" else "B"
        await refused(good[:index] + replaced + good[index + 1 :])


async def test_payload_of_another_token() -> None:
    mine, theirs = token().split("."), token(claims(sub="user_other")).split(".")
    await refused(".".join((mine[0], theirs[1], mine[2])))


async def test_claims_are_not_read_before_the_signature() -> None:
    """A forged token learns nothing about which of its claims would have been wrong."""
    forged = [
        token(claims(**change), sign=rs256(rsa_key("foreign"))) for change in ({}, {"exp": 1}, {"sts": "pending"})
    ]
    assert {(await refused(text)).detail for text in forged} == {None}


@pytest.mark.parametrize(("offset", "accepted"), [(-4, True), (-6, False), (1, True)])
async def test_leeway_of_expiry(offset: int, accepted: bool) -> None:
    now = 1_900_000_000
    strict = TokenVerifier(Keys(), issuer=ISSUER, authorized_parties=frozenset({PARTY}), now=lambda: now)
    text = token(claims(iat=now - 60, nbf=now - 60, exp=now + offset))
    if accepted:
        assert (await strict.verify(text)).expires_at == now + offset
    else:
        with pytest.raises(Unauthenticated, match="expired"):
            await strict.verify(text)


@pytest.mark.parametrize(("offset", "accepted"), [(4, True), (6, False)])
async def test_leeway_of_not_before(offset: int, accepted: bool) -> None:
    now = 1_900_000_000
    strict = TokenVerifier(Keys(), issuer=ISSUER, authorized_parties=frozenset({PARTY}), now=lambda: now)
    text = token(claims(iat=now, nbf=now + offset, exp=now + 60))
    if accepted:
        await strict.verify(text)
    else:
        with pytest.raises(Unauthenticated, match="not valid yet"):
            await strict.verify(text)


ACME = Organisation("org_1", "admin", "acme")
ORGANISATIONS: list[tuple[dict[str, Any], Organisation | None]] = [
    ({"v": 2, "o": {"id": "org_1", "rol": "admin", "slg": "acme", "per": "read", "fpm": "3"}}, ACME),
    ({"v": 2, "o": {"id": "org_1"}}, Organisation("org_1", None, None)),
    ({"v": 2, "org_id": "org_9", "org_role": "org:admin"}, None),
    ({"v": 2}, None),
    ({"v": ..., "org_id": "org_1", "org_role": "org:admin", "org_slug": "acme"}, ACME),
    ({"v": 1, "org_id": "org_1", "org_role": None, "org_slug": None}, Organisation("org_1", None, None)),
    ({"v": ..., "o": {"id": "org_9"}}, None),
    ({"v": ...}, None),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), ORGANISATIONS)
async def test_both_organisation_formats(changes: dict[str, Any], expected: Organisation | None) -> None:
    assert (await verifier().verify(token(claims(**changes)))).organisation == expected


async def test_names_of_other_types_do_not_lock_anybody_out() -> None:
    found = await verifier().verify(token(claims(email={"primary": "x"}, name=None)))
    assert (found.email, found.name) == (None, None)


def test_helper_makes_canonical_base64() -> None:
    assert b64(b"\xff\xfe") == "__4"
