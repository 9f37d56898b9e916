"""The demonstration data: complete, repeatable, private to its companies, never in a hosted system by accident."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from backend.operations.demo import ADA, BEN, CARLA, CLINICS, COMPANIES, FARID, ROBOTICS, everybody
from backend.operations.errors import OperationFailed, OperationRefused
from backend.operations.seed import LOCAL_PASSWORD, seed
from backend.settings import Settings
from module_sdk.api.client import ApiClient, ChatEvent
from module_sdk.api.csuite import Message
from module_sdk.api.identity import SignIn
from tests.support.process import command
from tests.support.server import running_api

ALL = {"people": 9, "companies": 2, "conversations": 7}
SIZES = {
    "users": 9, "user_credentials": 9, "tenants": 2, "tenant_members": 11, "member_roles": 11, "roles": 11,
    "invitations": 2, "api_keys": 1, "tenant_profiles": 2, "tenant_onboarding": 2, "tenant_keys": 2,
    "conversations": 7, "messages": 22,
}  # fmt: skip


def quiet(line: str) -> None:
    """Shows nothing."""


async def contents(variables: dict[str, str]) -> dict[str, list[Any]]:
    """Every row of every table that the seed writes, as the owner."""
    engine = create_async_engine(f"postgresql+asyncpg://{variables['DATABASE_OWNER_URL'].partition('://')[2]}")
    async with engine.connect() as connection:
        found = {
            table: list(await connection.scalars(text(f"SELECT to_jsonb(t) FROM {table} t ORDER BY 1")))
            for table in SIZES
        }
    await engine.dispose()
    return found


async def test_a_second_run_completes_what_was_killed_and_a_third_changes_nothing(own: dict[str, str]) -> None:
    # Without the owner's URL there is no role but the application's.
    settings = Settings.load({name: value for name, value in own.items() if name != "DATABASE_OWNER_URL"})
    lines: list[str] = []

    def stop_at_the_second_company(line: str) -> None:
        if "companies: Lakeside" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await seed(settings, stop_at_the_second_company)
    both = await asyncio.gather(seed(settings, lines.append), seed(settings, quiet))
    assert both[0] + both[1] == {"conversations": len(CLINICS.talks)}
    assert f"Sign in with the password: {LOCAL_PASSWORD}" in lines
    before = await contents(own)
    assert {name: len(rows) for name, rows in before.items()} == SIZES
    lines.clear()
    assert not await seed(settings, lines.append)
    assert lines[0] == "Nothing to do: the demonstration data is already there, and nothing was changed."
    assert await contents(own) == before


async def test_everybody_can_sign_in_and_finds_their_companies(own: dict[str, str]) -> None:
    settings = Settings.load(own)
    await seed(settings, quiet)
    with running_api(settings) as url:
        async with ApiClient(url) as api:
            for person in (ADA, FARID):
                opened = await api.sign_in(SignIn(email=person.email, password=LOCAL_PASSWORD))
                me = await api.with_token(opened.signed_in.access_token).me()
                found = Counter(f"{membership.role} of {membership.tenant.name}" for membership in me.memberships)
                assert found == Counter(everybody()[person].split(", "))
            opened = await api.sign_in(SignIn(email=ADA.email, password=LOCAL_PASSWORD))
            await history_of_ada(api.with_token(opened.signed_in.access_token))


async def history_of_ada(api: ApiClient) -> None:
    tenant = api.for_tenant(ROBOTICS.id)
    assert (await tenant.profile()).profile == ROBOTICS.profile
    assert (await tenant.onboarding()).step == "done"
    assert (await tenant.dashboard()).currency == "EUR"
    talks = (await tenant.conversations()).items
    assert [talk.id for talk in talks] == [ROBOTICS.talk_id(1), ROBOTICS.talk_id(0)]  # her own, the last one first
    messages = (await tenant.messages(ROBOTICS.talk_id(0))).items[::-1]
    assert [message.content for message in messages if message.role == "user"] == list(ROBOTICS.talks[0].questions)
    answers = [message for message in messages if message.role == "assistant"]
    assert {answer.status for answer in answers} == {"completed"}
    assert all("Northwind Robotics (Industrial robotics, series a, 51-200 people)" in a.content for a in answers)
    assert "ties in with what you asked before" in answers[1].content
    assert [message.created_at for message in messages] == sorted(message.created_at for message in messages)
    # An old answer's stream is its last event, and one more question can be asked.
    events = [item async for item in tenant.resume(answers[-1].id) if isinstance(item, ChatEvent)]
    assert [event.event for event in events] == ["message.completed"]
    assert events[0].data == answers[-1]
    again = [item async for item in tenant.regenerate(answers[-1].id) if isinstance(item, ChatEvent)]
    assert isinstance(again[-1].data, Message)
    assert again[-1].data.reply_to_id == answers[-1].reply_to_id
    # She is a viewer of the other company and sees nobody's conversations there.
    assert (await api.for_tenant(CLINICS.id).conversations()).items == []


async def test_a_run_killed_between_steps_of_a_team_is_completed(
    own: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.load(own)

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    # The invitation is there, its acceptance is not.
    with monkeypatch.context() as patch:
        patch.setattr("backend.operations.seed.accept", killed)
        with pytest.raises(KeyboardInterrupt):
            await seed(settings, quiet)
    assert len((await contents(own))["invitations"]) == 1
    created = await seed(settings, quiet)
    assert (created["people"], created["companies"]) == (0, 2)
    assert {name: len(rows) for name, rows in (await contents(own)).items()} == SIZES


async def test_says_what_to_do_where_there_is_no_room(own: dict[str, str]) -> None:
    with pytest.raises(OperationFailed, match=r"no room for everybody; raise MEMBERS_MAX"):
        await seed(Settings.load(own | {"MEMBERS_MAX": "3"}), quiet)


async def test_refuses_outside_local_mode(own: dict[str, str]) -> None:
    hosted = Settings.load({**own, "OCSUITE_ENV": "staging", "OCSUITE_WEB_ORIGINS": "https://app.example.com"})
    with pytest.raises(OperationRefused, match="refused in staging"):
        await seed(hosted, quiet)
    assert not (await contents(own))["users"]
    lines: list[str] = []
    assert await seed(hosted, lines.append, outside_local=True) == ALL
    (shown,) = [line for line in lines if line.startswith("Password of the people just created, shown this once: ")]
    assert not any(LOCAL_PASSWORD in line for line in lines)
    lines.clear()
    assert not await seed(hosted, lines.append, outside_local=True)
    assert not any("assword" in line for line in lines)
    with running_api(Settings.load(own)) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            for password, status in ((LOCAL_PASSWORD, 401), (shown.rpartition(" ")[2], 200)):
                body = {"email": BEN.email, "password": password}
                assert (await http.post("/auth/sign-in", json=body)).status_code == status


async def test_refuses_where_clerk_signs_people_in(own: dict[str, str]) -> None:
    clerk = {
        "CLERK_ISSUER": "https://clerk.example.com",
        "CLERK_AUTHORIZED_PARTIES": "https://app.example.com",
        "CLERK_PUBLISHABLE_KEY": "pk_test_x",
    }
    with pytest.raises(OperationRefused, match="CLERK_ISSUER is set"):
        await seed(Settings.load({**own, **clerk}), quiet)


async def test_leaves_other_peoples_accounts_alone(own: dict[str, str]) -> None:
    settings = Settings.load(own)
    with running_api(settings) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            body = {"email": CARLA.email, "password": "a password of her own", "full_name": "The real Carla"}
            assert (await http.post("/auth/sign-up", json=body)).status_code == 201
    with pytest.raises(OperationFailed, match=rf"somebody else signed up as {CARLA.email}"):
        await seed(settings, quiet)


def test_the_command_says_in_one_line_what_is_wrong(own: dict[str, str]) -> None:
    hosted = {**own, "OCSUITE_ENV": "staging", "OCSUITE_WEB_ORIGINS": "https://app.example.com"}
    for environment, status, beginning in (
        (hosted, 2, "Error: refused in staging"),
        ({**own, "DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/nothing"}, 1, "Error: the database cannot"),
        ({**own, "DATABASE_URL": own["DATABASE_URL"].rpartition("/")[0] + "/missing"}, 1, "Error: the database"),
    ):
        done = command(environment, "seed-demo")
        assert done.returncode == status
        assert done.stderr.startswith(beginning), done.stderr
        assert done.stderr.count("\n") == 1


def test_the_companies_differ_in_what_pages_show() -> None:
    for field in ("industry", "currency", "time_zone", "country"):
        assert getattr(COMPANIES[0].profile, field) != getattr(COMPANIES[1].profile, field)
    assert all(person.email.endswith("@example.com") for person in everybody())
    assert all(
        {"owner", "admin", "member", "support", "viewer"} <= {role for _, role in company.people}
        for company in COMPANIES
    )
    assert all(company.people[0][1] == "owner" for company in COMPANIES)
