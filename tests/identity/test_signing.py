"""The keys of local tokens: sealed, rotated, found again."""

import asyncio
import json
import time
from uuid import UUID

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import text

from backend.domains.identity.local import LOCAL_ISSUER, subject_of
from backend.domains.identity.signing import (
    RELOAD_SECONDS,
    UNKNOWN_SECONDS,
    SigningKeys,
    ensure_signing_key,
    reseal_signing_keys,
    rotate_signing_key,
)
from backend.domains.identity.wiring import LocalIdentity
from backend.kernel.errors import Unavailable
from crypto import Keyring, generate_master_key, parse_master_keys
from tests.identity.conftest import Api, cookie_of
from tests.identity.kit import Clock, claims, header, rs256, rsa_key, token


def keyring_of(api: Api) -> Keyring:
    return Keyring(api.settings.master_keys)


def fresh(api: Api, clock: Clock, keyring: Keyring | None = None) -> SigningKeys:
    return SigningKeys(api.database, keyring or keyring_of(api), now=time.time, monotonic=clock)


def user_of(access_token: str) -> UUID:
    return UUID(jwt.decode(access_token, options={"verify_signature": False})["sub"].removeprefix("user_"))


async def test_one_key_is_made_and_kept_sealed(api: Api) -> None:
    before = await api.sql("SELECT id FROM signing_keys WHERE retired_at IS NULL")
    assert len(before) == 1
    async with api.owner.begin() as connection:
        await ensure_signing_key(connection, keyring_of(api))
    rows = await api.sql("SELECT id, sealed_private, public_jwk FROM signing_keys WHERE retired_at IS NULL")
    assert [(row.id,) for row in rows] == [tuple(row) for row in before]
    assert set(rows[0].public_jwk) == {"alg", "e", "kid", "kty", "n", "use"}
    assert b"\x30\x82" not in rows[0].sealed_private[:8]


async def test_rotation_is_followed_and_older_tokens_stay_good(api: Api, local: LocalIdentity) -> None:
    signed_up = await api.sign_up()
    elsewhere = fresh(api, Clock(1000.0))
    old = (await elsewhere.signer()).kid
    async with api.owner.begin() as connection:
        new = await rotate_signing_key(connection, keyring_of(api))
    assert new != old
    assert await elsewhere.key(new) is None
    later = fresh(api, Clock(1000.0))
    assert (await later.signer()).kid == new
    assert await later.key(old) is not None
    await local.keys.load()
    renewed = await api.with_cookie("/auth/token", cookie_of(signed_up))
    for response in (signed_up, renewed):
        assert (await api.get("/me", response.json()["access_token"])).status_code == 200
    await api.sql("UPDATE signing_keys SET retired_at = now() - interval '1 hour' WHERE id = :old", old=old)
    await later.load()
    assert await later.key(old) is None


async def test_unknown_ids_are_looked_for_with_measure(api: Api) -> None:
    clock = Clock(1000.0)
    keys = fresh(api, clock)
    loads = 0
    load = keys.load

    async def counted() -> None:
        nonlocal loads
        loads += 1
        await load()

    keys.load = counted  # type: ignore[method-assign]  # counts what it does not change
    await keys.signer()
    clock.seconds += UNKNOWN_SECONDS
    assert await asyncio.gather(*(keys.key(f"guess-{n}") for n in range(50))) == [None] * 50
    assert loads == 2
    async with api.owner.begin() as connection:
        new = await rotate_signing_key(connection, keyring_of(api))
    clock.seconds += UNKNOWN_SECONDS
    assert await keys.key(new) is not None
    assert loads == 3
    clock.seconds += RELOAD_SECONDS
    assert (await keys.signer()).kid == new
    assert loads == 4


async def test_keys_at_hand_serve_while_the_database_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(1000.0)
    keys = fresh(api, clock)
    kid = (await keys.signer()).kid

    async def away() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(keys, "load", away)
    clock.seconds += RELOAD_SECONDS
    assert (await keys.signer()).kid == kid
    assert await keys.key(kid) is not None
    first = fresh(api, clock)
    monkeypatch.setattr(first, "load", away)
    with pytest.raises(ConnectionRefusedError):
        await first.signer()


async def test_without_any_key_nobody_signs_in(api: Api) -> None:
    async with api.owner.connect() as connection:
        await connection.execute(text("UPDATE signing_keys SET retired_at = now() WHERE retired_at IS NULL"))
        await connection.commit()
        try:
            with pytest.raises(Unavailable):
                await fresh(api, Clock(1000.0)).signer()
        finally:
            await ensure_signing_key(connection, keyring_of(api))
            await connection.commit()


async def test_reseal_under_a_new_master_key(api: Api) -> None:
    old = keyring_of(api)
    added = parse_master_keys(generate_master_key("newer"))
    both, only_new = Keyring([*added, *api.settings.master_keys]), Keyring(added)
    async with api.owner.connect() as connection:
        count = await reseal_signing_keys(connection, both)
        assert count >= 1
        assert await reseal_signing_keys(connection, both) == 0
        await connection.commit()
    try:
        assert (await fresh(api, Clock(1000.0), only_new).signer()).kid
        with pytest.raises(Unavailable):
            await fresh(api, Clock(1000.0), old).signer()
    finally:
        async with api.owner.begin() as connection:
            back = Keyring([*api.settings.master_keys, *added])
            assert await reseal_signing_keys(connection, back) == count


async def test_a_key_of_the_owners_own_signs_nothing(api: Api, local: LocalIdentity) -> None:
    """Whoever owns the database puts a key of theirs beside ours, and over ours; sealed is neither."""
    ours, theirs = await local.keys.signer(), rsa_key("of the database's owner")
    jwk = json.dumps({"kid": "ins_own", **RSAAlgorithm.to_jwk(theirs.public_key(), as_dict=True)})
    victim = (await api.sign_up()).json()["access_token"]
    forged = claims(iss=LOCAL_ISSUER, azp=api.settings.api_url, sub=subject_of(user_of(victim)), sid="sess_1")
    before = await api.sql("SELECT public_jwk::text FROM signing_keys WHERE id = :id", id=ours.kid)
    try:
        # Newer than ours; with no seal, and with the seal of ours, which is good for its own row alone.
        for kid, sealed in (("ins_own", "'\\x00'"), ("ins_copy", "sealed_private")):
            await api.sql(
                "INSERT INTO signing_keys (id, sealed_private, public_jwk, created_at) "
                f"SELECT :kid, {sealed}, CAST(:jwk AS jsonb), now() + interval '1 year' FROM signing_keys "
                "WHERE id = :id",
                kid=kid,
                jwk=jwk,
                id=ours.kid,
            )
        await api.sql("UPDATE signing_keys SET public_jwk = CAST(:jwk AS jsonb) WHERE id = :id", jwk=jwk, id=ours.kid)
        for kid in ("ins_own", "ins_copy", ours.kid):
            answer = await api.get("/whoami", token(forged, header(kid=kid), rs256(theirs)))
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), kid
        fresher = fresh(api, Clock(1000.0))
        assert (await fresher.signer()).kid == ours.kid, "one that is newer and does not open is passed over"
        assert [await fresher.key(kid) for kid in ("ins_own", "ins_copy")] == [None, None]
        await local.keys.load()
        assert (await api.get("/me", victim)).status_code == 200
        good = await api.get("/whoami", token(forged, header(kid=ours.kid), rs256(ours.key)))
        assert good.status_code == 200, "the claims are right, it is the key that is not"
    finally:
        await api.sql("DELETE FROM signing_keys WHERE id IN ('ins_own', 'ins_copy')")
        values = {"jwk": before[0].public_jwk, "id": ours.kid}
        await api.sql("UPDATE signing_keys SET public_jwk = CAST(:jwk AS jsonb) WHERE id = :id", **values)


async def test_tokens_that_are_not_ours(api: Api, local: LocalIdentity) -> None:
    signer = await local.keys.signer()
    good = {
        "iss": LOCAL_ISSUER, "azp": api.settings.api_url, "sub": f"user_{0:032x}", "sid": "sess_1",
    }  # fmt: skip
    ours = rs256(signer.key)
    assert (await api.get("/whoami", token(claims(**good), header(kid=signer.kid), ours))).status_code == 200
    forged = [
        token(claims(**good), header(kid=signer.kid), rs256(rsa_key("foreign"))),
        token(claims(**good), header(kid="foreign"), rs256(rsa_key("foreign"))),
        token(claims(**good, sts="pending"), header(kid=signer.kid), ours),
        token(claims(**{**good, "sub": "user_2abc"}), header(kid=signer.kid), ours),
        token(claims(**{**good, "azp": "https://evil.example"}), header(kid=signer.kid), ours),
        token(claims(**{**good, "iss": "https://clerk.example.com"}), header(kid=signer.kid), ours),
    ]
    for text_ in forged:
        answer = await api.get("/whoami", text_)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
