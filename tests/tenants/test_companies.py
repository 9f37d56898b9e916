"""Companies: making them, their bounds, and who may change what."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text

from backend.domains.tenants.service import TenantService, new_tenant_context, proposed_slugs
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import UserContext
from backend.kernel.errors import LimitReached
from backend.settings import Settings
from crypto import Keyring
from module_sdk.api.tenants import TenantCreate
from tests.conftest import SignIn
from tests.support.people import join


async def test_same_name_gets_another_slug_and_a_chosen_one_is_taken_once(someone: SignIn) -> None:
    ada, grace = await someone(), await someone("Grace Hopper")
    first, second = await ada.found("Ünïque Wörks"), await grace.found("Ünïque Wörks")
    slugs = [(await member.request("GET", f"/tenants/{member.tenant_id}")).json()["slug"] for member in (first, second)]
    assert slugs[0] == "uenique-woerks"
    assert slugs[1].startswith("uenique-woerks-")
    taken = await grace.http.post("/tenants", json={"name": "Other", "slug": "uenique-woerks"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    renamed = await second.request("PATCH", f"/tenants/{second.tenant_id}", json={"slug": "uenique-woerks"})
    assert (renamed.status_code, renamed.json()["code"]) == (409, "slug_taken")
    assert len((await grace.http.get("/tenants")).json()["items"]) == 1


def test_names_without_letters_still_get_a_slug() -> None:
    tenant_id = new_tenant_context(new_id()).tenant_id
    for name in ("株式会社", "A", "---", "!!"):
        assert all(len(slug) >= 3 for slug in proposed_slugs(name, tenant_id))


async def test_a_person_owns_no_more_companies_than_allowed_however_they_ask(
    someone: SignIn, db: Database, keyring: Keyring, settings: Settings
) -> None:
    person = await someone()
    allowances = replace(settings.allowances, companies=2)

    async def found(number: int) -> int:
        context = new_tenant_context(person.user_id)
        try:
            async with db.transaction(context) as session:
                await TenantService(session, context).create(TenantCreate(name=f"C{number}"), keyring, allowances)
        except LimitReached as refused:
            return refused.status
        return 201

    assert sorted(await asyncio.gather(*(found(number) for number in range(6)))) == [201, 201, 402, 402, 402, 402]
    async with db.transaction(UserContext(person.user_id)) as session:
        assert (await session.execute(text("SELECT count(*) FROM util.my_memberships()"))).scalar() == 2


async def test_members_read_and_managers_change(someone: SignIn, db: Database) -> None:
    owner = await (await someone()).found()
    path = f"/tenants/{owner.tenant_id}"
    for role, allowed in (("admin", True), ("member", False), ("support", False), ("viewer", False)):
        member = await join(db, owner.tenant_id, await someone(role), role)
        assert (await member.request("GET", f"{path}/profile")).status_code == 200
        answers = [
            await member.request("PATCH", path, json={"name": f"By {role}"}),
            await member.request("PUT", f"{path}/profile", json={"industry": role}),
            await member.request("PATCH", f"{path}/onboarding", json={"step": "integration"}),
        ]
        assert {answer.status_code for answer in answers} == ({200} if allowed else {403})
    assert (await owner.request("GET", path)).json()["name"] == "By admin"


async def test_onboarding_is_where_it_was_left(someone: SignIn) -> None:
    member = await (await someone()).found()
    path = f"/tenants/{member.tenant_id}/onboarding"
    assert (await member.request("GET", path)).json() == {"step": "profile", "skipped": [], "completed_at": None}
    await member.request("PATCH", path, json={"step": "integration", "skipped": "profile"})
    done = (await member.request("PATCH", path, json={"step": "done", "skipped": "integration"})).json()
    assert (done["step"], done["skipped"]) == ("done", ["profile", "integration"])
    again = (await member.request("PATCH", path, json={"step": "done"})).json()
    assert again["completed_at"] == done["completed_at"] is not None


async def test_profile_is_replaced_whole_and_checked(someone: SignIn) -> None:
    member = await (await someone()).found("Acme", industry="Robots", goals=["One", "Two"], country="DE")
    path = f"/tenants/{member.tenant_id}/profile"
    saved = (await member.request("PUT", path, json={"currency": "EUR", "time_zone": "Europe/Berlin"})).json()
    assert (saved["profile"]["industry"], saved["profile"]["goals"], saved["profile"]["currency"]) == ("", [], "EUR")
    for wrong in ({"time_zone": "Mars/Olympus"}, {"country": "Germany"}, {"goals": ["x"] * 11}, {"size": "many"}):
        refused = await member.request("PUT", path, json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed"), wrong
    assert (await member.request("GET", path)).json() == saved


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Müller & Söhne", "mueller-soehne"),
        ("Mu\u0308ller", "mueller"),
        ("Ærø Smørrebrød", "aeroe-smoerrebroed"),
        ("Café", "cafe"),
    ],
)
def test_a_short_name_spells_letters_out(name: str, slug: str) -> None:
    assert proposed_slugs(name, uuid4())[0] == slug


async def test_memberships_are_listed_oldest_first(someone: SignIn, db: Database) -> None:
    """By when one joined: neither by the companies' names nor by their age."""
    ada, grace = await someone(), await someone("Grace Hopper")
    older = await grace.found("Aardvark")
    own = await ada.found("Zebra")
    await join(db, older.tenant_id, ada)
    memberships = (await ada.http.get("/me")).json()["memberships"]
    assert [membership["tenant"]["id"] for membership in memberships] == [str(own.tenant_id), str(older.tenant_id)]
