"""Every route that changes something leaves exactly one entry in the company's log, and no secret in it.

A new mutating route fails here until it has a scenario, or a reason why it belongs to no company's log.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from litestar import Litestar, post

from backend.app import create_app
from backend.kernel.db.database import Database
from backend.kernel.http.traits import Traits
from backend.settings import Settings
from tests.api.test_gates import routes_of
from tests.conftest import SignIn
from tests.support.people import Member, Person, join
from tests.support.sse import frames

SECRET_TEXT = "Unmistakable words that belong to one person alone"
SECRETS = re.compile(r"ocs_[a-z0-9]{8}_([A-Za-z0-9_-]{20,})|token=([A-Za-z0-9_-]{20,})")
#: Mutating routes that leave no entry, each with the reason.
UNAUDITED = {
    "POST /auth/sign-up": "a person's account belongs to no company",
    "POST /auth/sign-in": "a person's session belongs to no company",
    "POST /auth/token": "another token of the same session",
    "POST /auth/sign-out": "a person's session belongs to no company",
    "POST /invitations/lookup": "writes nothing",
    "POST /auth/password/forgot": "a person's account belongs to no company",
    "POST /auth/password/reset": "a person's account belongs to no company",
    "POST /auth/password/strength": "writes nothing",
    "POST /auth/email/confirm": "a person's account belongs to no company",
    "PATCH /me": "a person's account belongs to no company",
    "POST /me/email": "a person's account belongs to no company",
    "POST /me/email/confirmation": "a person's account belongs to no company",
    "POST /me/password": "a person's account belongs to no company",
    "DELETE /me/sessions/{session_id}": "a person's session belongs to no company",
    "POST /me/sessions/end": "a person's session belongs to no company",
    "POST /me/deletion": "in each company its member's leaving, or its deletion, is on record: tests/account",
}


@dataclass
class Scene:
    """A company of its own for each scenario, and what must not get into its log."""

    owner: Member
    someone: SignIn
    db: Database
    secrets: set[str] = field(default_factory=lambda: {SECRET_TEXT})
    people: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path = f"/tenants/{self.owner.tenant_id}"
        self.keep(self.owner.person)

    def keep(self, person: Person) -> Person:
        """Remember somebody's cookie and token."""
        self.people[person.http.headers["Authorization"]] = person.user_id
        self.secrets |= {person.cookie, person.http.headers["Authorization"].removeprefix("Bearer ")}
        return person

    async def colleague(self, role: str = "member") -> Member:
        return await join(self.db, self.owner.tenant_id, self.keep(await self.someone("Grace Hopper")), role)

    async def call(self, method: str, path: str, by: Member | None = None, **body: Any) -> httpx.Response:
        """A request that succeeds; whatever it hands out in secret is remembered."""
        answer = await (by or self.owner).request(method, path, **({"json": body} if body else {}))
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        self.secrets |= {part for found in SECRETS.findall(answer.text) for part in found if part}
        return answer

    async def made(self, method: str, path: str, **body: Any) -> Any:
        return (await self.call(method, path, **body)).json()

    async def asked(self) -> tuple[str, str]:
        """Ids of a conversation and of its one answer."""
        answer = await self.call("POST", "/c-suite/ceo/chat", message=SECRET_TEXT)
        started = frames(answer.content)[0].data
        return started["conversation"]["id"], started["message"]["id"]

    async def invited(self, email: str = "new@example.com") -> Any:
        return await self.made("POST", "/team/invitations", email=email, roles=["viewer"])

    async def role(self) -> str:
        made = await self.made("POST", "/roles", name="Analyst", permissions=["company.read"])
        return f"/roles/{made['key']}"

    async def key(self) -> Any:
        return await self.made("POST", "/api-keys", name="CRM", permissions=["company.read"])

    async def deletion(self) -> httpx.Response:
        slug = (await self.made("GET", self.path))["slug"]
        return await self.call("POST", f"{self.path}/deletion", confirmation=slug)


Scenario = Callable[[Scene], Awaitable[httpx.Response]]
SCENARIOS: dict[str, tuple[str, Scenario]] = {}


def leaves(action: str, route: str) -> Callable[[Scenario], Scenario]:
    """Register what performs a route; the response that it returns is the route's own."""

    def register(scenario: Scenario) -> Scenario:
        SCENARIOS[route] = (action, scenario)
        return scenario

    return register


@leaves("company.created", "POST /tenants")
async def create_tenant(scene: Scene) -> httpx.Response:
    answer = await scene.call("POST", "/tenants", name="Another")
    scene.path = f"/tenants/{answer.json()['id']}"
    return answer


@leaves("company.renamed", "PATCH /tenants/{tenant_id}")
async def rename_tenant(scene: Scene) -> httpx.Response:
    return await scene.call("PATCH", scene.path, name="Renamed")


@leaves("company.profile_saved", "PUT /tenants/{tenant_id}/profile")
async def save_profile(scene: Scene) -> httpx.Response:
    return await scene.call("PUT", f"{scene.path}/profile", industry="Robots", description=SECRET_TEXT)


@leaves("company.onboarding_moved", "PATCH /tenants/{tenant_id}/onboarding")
async def move_onboarding(scene: Scene) -> httpx.Response:
    return await scene.call("PATCH", f"{scene.path}/onboarding", step="integration")


@leaves("company.deletion_requested", "POST /tenants/{tenant_id}/deletion")
async def request_deletion(scene: Scene) -> httpx.Response:
    return await scene.deletion()


@leaves("company.deletion_cancelled", "DELETE /tenants/{tenant_id}/deletion")
async def cancel_deletion(scene: Scene) -> httpx.Response:
    await scene.deletion()
    return await scene.call("DELETE", f"{scene.path}/deletion")


@leaves("chat.asked", "POST /c-suite/{executive}/chat")
async def chat(scene: Scene) -> httpx.Response:
    return await scene.call("POST", "/c-suite/ceo/chat", message=SECRET_TEXT)


@leaves("chat.asked_again", "POST /c-suite/messages/{message_id}/regenerate")
async def regenerate(scene: Scene) -> httpx.Response:
    _, message = await scene.asked()
    return await scene.call("POST", f"/c-suite/messages/{message}/regenerate")


@leaves("chat.stopped", "POST /c-suite/messages/{message_id}/stop")
async def stop(scene: Scene) -> httpx.Response:
    _, message = await scene.asked()
    return await scene.call("POST", f"/c-suite/messages/{message}/stop")


@leaves("conversation.renamed", "PATCH /c-suite/conversations/{conversation_id}")
async def rename_conversation(scene: Scene) -> httpx.Response:
    conversation, _ = await scene.asked()
    return await scene.call("PATCH", f"/c-suite/conversations/{conversation}", title=SECRET_TEXT)


@leaves("conversation.deleted", "DELETE /c-suite/conversations/{conversation_id}")
async def delete_conversation(scene: Scene) -> httpx.Response:
    conversation, _ = await scene.asked()
    return await scene.call("DELETE", f"/c-suite/conversations/{conversation}")


@leaves("board.convened", "POST /c-suite/board-meeting")
async def board_meeting(scene: Scene) -> httpx.Response:
    return await scene.call("POST", "/c-suite/board-meeting", topic=SECRET_TEXT)


@leaves("role.created", "POST /roles")
async def create_role(scene: Scene) -> httpx.Response:
    return await scene.call("POST", "/roles", name="Analyst", copy_of="viewer")


@leaves("role.changed", "PATCH /roles/{role_key}")
async def change_role(scene: Scene) -> httpx.Response:
    return await scene.call("PATCH", await scene.role(), name="Auditor", permissions=["audit.read"])


@leaves("role.deleted", "DELETE /roles/{role_key}")
async def delete_role(scene: Scene) -> httpx.Response:
    return await scene.call("DELETE", await scene.role())


@leaves("member.roles_changed", "PUT /team/members/{user_id}/roles")
async def set_roles(scene: Scene) -> httpx.Response:
    member = await scene.colleague()
    return await scene.call("PUT", f"/team/members/{member.person.user_id}/roles", roles=["viewer", "support"])


@leaves("member.removed", "DELETE /team/members/{user_id}")
async def remove_member(scene: Scene) -> httpx.Response:
    member = await scene.colleague()
    return await scene.call("DELETE", f"/team/members/{member.person.user_id}")


@leaves("member.left", "POST /team/leave")
async def leave(scene: Scene) -> httpx.Response:
    return await scene.call("POST", "/team/leave", await scene.colleague())


@leaves("ownership.transferred", "POST /team/ownership")
async def transfer(scene: Scene) -> httpx.Response:
    member = await scene.colleague()
    return await scene.call("POST", "/team/ownership", user_id=str(member.person.user_id))


@leaves("member.invited", "POST /team/invitations")
async def invite(scene: Scene) -> httpx.Response:
    answer = await scene.call("POST", "/team/invitations", email="new@example.com", roles=["member"])
    assert any(len(secret) == 43 for secret in scene.secrets)
    return answer


@leaves("invitation.resent", "POST /team/invitations/{invitation_id}/resend")
async def resend(scene: Scene) -> httpx.Response:
    invitation = (await scene.invited())["invitation"]
    return await scene.call("POST", f"/team/invitations/{invitation['id']}/resend")


@leaves("invitation.revoked", "DELETE /team/invitations/{invitation_id}")
async def revoke_invitation(scene: Scene) -> httpx.Response:
    invitation = (await scene.invited())["invitation"]
    return await scene.call("DELETE", f"/team/invitations/{invitation['id']}")


@leaves("member.joined", "POST /invitations/accept")
async def accept(scene: Scene) -> httpx.Response:
    guest = Member(scene.keep(await scene.someone("Guest")), scene.owner.tenant_id)
    email = (await guest.person.http.get("/me")).json()["user"]["email"]
    token = (await scene.invited(email))["link"].partition("token=")[2]
    return await scene.call("POST", "/invitations/accept", guest, token=token)


@leaves("api_key.created", "POST /api-keys")
async def create_key(scene: Scene) -> httpx.Response:
    return await scene.call("POST", "/api-keys", name="CRM", permissions=["company.read"])


@leaves("api_key.revoked", "DELETE /api-keys/{api_key_id}")
async def revoke_key(scene: Scene) -> httpx.Response:
    return await scene.call("DELETE", f"/api-keys/{(await scene.key())['api_key']['id']}")


@leaves("audit.verified", "POST /audit/verification")
async def verify(scene: Scene) -> httpx.Response:
    return await scene.call("POST", "/audit/verification")


def mutating(app: Litestar) -> set[str]:
    return {name for name, _ in routes_of(app) if name.split()[0] in {"POST", "PUT", "PATCH", "DELETE"}}


@pytest.fixture
async def root(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_owner_url)
    yield connection
    await connection.close()


def test_every_mutating_route_has_a_scenario(settings: Settings) -> None:
    known = set(SCENARIOS) | set(UNAUDITED)
    assert mutating(create_app(settings)) == known
    assert not set(SCENARIOS) & set(UNAUDITED)


def test_a_new_route_is_noticed() -> None:
    @post("/act", opt=Traits(public=True).opt)
    async def act() -> None: ...

    assert mutating(Litestar([act], openapi_config=None)) - set(SCENARIOS) - set(UNAUDITED) == {"POST /act"}


@pytest.mark.parametrize("route", SCENARIOS)
async def test_a_mutation_leaves_one_entry(someone: SignIn, db: Database, root: asyncpg.Connection, route: str) -> None:
    action, scenario = SCENARIOS[route]
    scene = Scene(await (await someone()).found(), someone, db)
    answer = await scenario(scene)
    assert answer.request.method == route.split(maxsplit=1)[0]
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.split()[1]))
    assert re.fullmatch(pattern, answer.request.url.path)
    entries = await root.fetch("SELECT * FROM audit_logs WHERE request_id = $1", answer.headers["X-Request-Id"])
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [(action, "succeeded")]
    (entry,) = entries
    actor = scene.people[answer.request.headers["Authorization"]]
    assert (f"/tenants/{entry['tenant_id']}", entry["actor_user_id"]) == (scene.path, actor)
    assert entry["actor_kind"] == "user"
    log = await root.fetch("SELECT l::text FROM audit_logs l WHERE tenant_id = $1", entry["tenant_id"])
    assert len(scene.secrets) >= 3
    assert not [secret for secret in scene.secrets for row in log if secret in row[0]]
