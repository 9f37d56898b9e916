"""API keys: made within their maker's permissions, shown once, used as bearer tokens, and ended at once."""

from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.kernel.db.database import Database
from tests.access.kit import grantable, keyed, refusal, team_of
from tests.conftest import SignIn
from tests.support.people import Member

READING = {"name": "Reports", "permissions": ["dashboard.read", "company.read", "dashboard.read"]}


async def make(member: Member, *permissions: str) -> tuple[str, str]:
    """A new key: its id and its secret."""
    made = await member.request("POST", "/api-keys", json={"name": "Key", "permissions": permissions})
    assert made.status_code == 201, made.text
    return made.json()["api_key"]["id"], made.json()["secret"]


async def test_a_key_is_made_shown_once_used_and_revoked(someone: SignIn, db: Database, api_url: str) -> None:
    team = await team_of(db, someone, "admin")
    admin = team["admin"]
    made = (await admin.request("POST", "/api-keys", json=READING)).json()
    key, secret = made["api_key"], made["secret"]
    assert secret.startswith(f"{key['prefix']}_")
    assert (key["status"], key["permissions"]) == ("active", ["company.read", "dashboard.read"])
    assert (key["made_by"]["full_name"], key["last_used_at"]) == ("Admin Person", None)
    async with keyed(api_url, secret) as program:
        assert (await program.get("/dashboard")).status_code == 200
        refused = await program.get("/team/members")
        assert refusal(refused) == (403, "permission_denied")
        assert refused.json()["extra"]["permission"] == "members.read"
        (listed,) = (await team.owner.request("GET", "/api-keys")).json()["items"]
        assert listed["last_used_at"] is not None
        assert "secret" not in listed
        path = f"/api-keys/{key['id']}"
        for _ in range(2):  # revoking twice does no harm
            assert (await team.owner.request("DELETE", path)).status_code == 204
        assert refusal(await program.get("/dashboard")) == (401, "unauthenticated")
    assert (await admin.request("GET", "/api-keys")).json()["items"][0]["status"] == "revoked"
    (created,), (revoked,) = await team.entries("api_key.created"), await team.entries("api_key.revoked")
    assert created.resource == revoked.resource == f"api_key:{key['id']}"
    assert (created.meta["prefix"], created.meta["permissions"]) == (key["prefix"], key["permissions"])
    assert (revoked.actor_user_id, revoked.meta["made_by"]) == (team.owner.person.user_id, "Admin Person")
    (refused_entry,) = await team.entries("access.refused")
    assert (refused_entry.actor_kind, refused_entry.actor_api_key_id) == ("api_key", UUID(key["id"]))
    assert refusal(await admin.request("DELETE", f"/api-keys/{uuid4()}")) == (404, "not_found")


async def test_the_secret_is_nowhere(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone)
    headers = {"Idempotency-Key": uuid4().hex}
    first = await team.owner.request("POST", "/api-keys", headers=headers, json=READING)
    second = await team.owner.request("POST", "/api-keys", headers=headers, json=READING)
    assert refusal(second) == (409, "shown_once")
    assert second.json()["extra"] == {"api_key_id": first.json()["api_key"]["id"]}
    assert len((await team.owner.request("GET", "/api-keys")).json()["items"]) == 1
    secret = first.json()["secret"]
    async with db.transaction(await team.context("owner")) as session:
        kept = (await session.scalars(text("SELECT convert_from(body, 'UTF8') FROM idempotency_keys"))).all()
    async with db.transaction(await team.context("owner")) as session:
        rows = await session.scalars(text("SELECT k::text FROM api_keys k UNION ALL SELECT a::text FROM audit_logs a"))
        kept = [*kept, *rows]
    assert len(kept) > 3
    assert not [row for row in kept if secret.rpartition("_")[2] in row]


async def test_a_key_can_do_no_more_than_its_maker(someone: SignIn, db: Database, api_url: str) -> None:
    team = await team_of(db, someone, "admin")
    admin = team["admin"]
    for permissions, missing in (
        (["company.delete"], ["company.delete"]),
        (["company.read", "ownership.transfer"], ["ownership.transfer"]),
    ):
        answer = await admin.request("POST", "/api-keys", json={"name": "Root", "permissions": permissions})
        assert refusal(answer) == (403, "permission_denied")
        assert answer.json()["extra"] == {"permissions": missing}
    unknown = await admin.request("POST", "/api-keys", json={"name": "X", "permissions": ["company.read", "no.such"]})
    assert (refusal(unknown), unknown.json()["errors"][0]["path"]) == ((422, "validation_failed"), "$.permissions[1]")
    _, secret = await make(admin, "members.read", "roles.manage", "dashboard.read")
    async with keyed(api_url, secret) as program:
        # Nor than itself: its maker holds chat.use, and the key does not.
        body = {"name": "Chatty", "permissions": ["chat.use"]}
        answer = await program.post("/roles", json=body)
        assert refusal(answer) == (403, "permission_denied")
        assert (
            await program.post("/roles", json={"name": "Reader", "permissions": ["dashboard.read"]})
        ).status_code == 201
        (entry,) = await team.entries("role.created")
        assert entry.actor_kind == "api_key"
        # The maker is demoted, then removed, while the key lives.
        path = f"/team/members/{admin.person.user_id}"
        assert (await team.owner.request("PUT", f"{path}/roles", json={"roles": ["viewer"]})).status_code == 200
        assert (await program.get("/team/members")).status_code == 200
        again = await program.post("/roles", json={"name": "Other", "permissions": ["dashboard.read"]})
        assert refusal(again) == (403, "permission_denied")
        assert (await team.owner.request("DELETE", path)).status_code == 204
        assert refusal(await program.get("/team/members")) == (401, "unauthenticated")


async def test_what_only_a_person_does(someone: SignIn, db: Database, api_url: str) -> None:
    team = await team_of(db, someone, "member")
    key_id, secret = await make(team.owner, *await grantable(team.owner))
    me = team.owner.person.user_id
    async with keyed(api_url, secret) as program:
        attempts: list[tuple[str, str, dict[str, object]]] = [
            ("POST", "/team/leave", {}),
            ("POST", "/team/ownership", {"json": {"user_id": str(team["member"].person.user_id)}}),
            ("DELETE", f"/team/members/{me}", {}),
            ("POST", "/api-keys", {"json": READING}),
            ("POST", "/invitations/accept", {"json": {"token": "x" * 43}}),
        ]
        for method, path, options in attempts:
            answer = await program.request(method, path, **options)  # type: ignore[arg-type]  # bodies of many shapes
            assert answer.status_code == 403, (path, answer.text)
        assert (await program.delete(f"/api-keys/{key_id}")).status_code == 204  # giving itself up is welcome
        assert (await program.get("/me")).status_code == 401


async def test_an_expired_key_and_one_elsewhere(
    someone: SignIn, db: Database, api_url: str, owner: AsyncConnection
) -> None:
    team, other = await team_of(db, someone), await team_of(db, someone)
    key_id, secret = await make(team.owner, "dashboard.read")
    async with keyed(api_url, secret) as program:
        elsewhere = await program.get("/dashboard", headers={"X-Tenant-Id": str(other.tenant_id)})
        assert refusal(elsewhere) == (404, "not_found")
        assert (await program.get("/dashboard")).status_code == 200
        await owner.execute(text("UPDATE api_keys SET expires_at = now() WHERE id = :id"), {"id": UUID(key_id)})
        await owner.commit()
        assert refusal(await program.get("/dashboard")) == (401, "unauthenticated")
    assert (await team.owner.request("GET", "/api-keys")).json()["items"][0]["status"] == "expired"
    made = {"name": "Short", "permissions": ["dashboard.read"], "expires_in_days": 0}
    assert refusal(await team.owner.request("POST", "/api-keys", json=made)) == (422, "validation_failed")
    assert refusal(await other.owner.request("DELETE", f"/api-keys/{key_id}")) == (404, "not_found")


async def test_pages_are_newest_first(someone: SignIn, db: Database) -> None:
    team = await team_of(db, someone, "viewer")
    keys = [(await make(team.owner, "dashboard.read"))[0] for _ in range(3)]
    first = (await team.owner.request("GET", "/api-keys", params={"limit": 2})).json()
    second = (await team.owner.request("GET", "/api-keys", params={"cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in first["items"] + second["items"]] == keys[::-1]
    assert refusal(await team["viewer"].request("GET", "/api-keys")) == (403, "permission_denied")
