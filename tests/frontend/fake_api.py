"""A stand-in for the API, in memory: enough of the contract for the web app's own tests, with faults on demand.

Run it alone with ``python -m tests.frontend.fake_api PORT``. Any password signs in except ``wrong-password``.
"""

import math
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, patch, post, put
from litestar.datastructures import Cookie, State
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from backend.registry import declarations
from module_sdk.api.account import PasswordCandidate, PasswordStrength
from module_sdk.api.base import Page
from module_sdk.api.csuite import (
    AgendaItem,
    Attendee,
    BoardMeeting,
    BoardMeetingRequest,
    Conversation,
    Decision,
    Executive,
    Statement,
)
from module_sdk.api.dashboard import Dashboard, MetricSource
from module_sdk.api.identity import AccessToken, Me, Membership, SignedIn, SignIn, SignUp, TenantRef, User
from module_sdk.api.problems import FieldError, Problem
from module_sdk.api.tenants import (
    Onboarding,
    OnboardingPatch,
    Profile,
    ProfileReply,
    Tenant,
    TenantCreate,
    TenantPatch,
    Usage,
    UsageLine,
)
from module_sdk.contract.capability import MetricPoint, MetricSnapshot

T = TypeVar("T", bound=msgspec.Struct)
COOKIE = "ocsuite_session"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@dataclass
class Company:
    tenant: Tenant
    onboarding: Onboarding
    profile: ProfileReply


@dataclass
class World:
    """Everything the fake remembers. ``faults`` maps a path to the status that it answers with.

    ``held`` are the permissions of a person by address; whoever is not in it holds every one.
    """

    users: dict[str, User] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    companies: dict[str, list[Company]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=dict)
    #: The keys of the requests that made a company.
    founded_by: dict[str, Company] = field(default_factory=dict)
    #: The keys of convened meetings, each once however often it was sent.
    meetings: dict[str, BoardMeeting] = field(default_factory=dict)
    token_seconds: int = 60
    renewals: int = 0
    messages_used: int = 37

    def founded(self, email: str, name: str = "Acme Robotics") -> str:
        """The session of somebody new whose company is set up."""
        self.users[email] = User(id=uuid4(), email=email, full_name="Ada Lovelace", created_at=NOW)
        company = new_company(name, "acme-robotics")
        company.onboarding = Onboarding(step="done", skipped=["profile", "integration"], completed_at=NOW)
        self.companies[email] = [company]
        session = uuid4().hex
        self.sessions[session] = email
        return session


def new_company(name: str, slug: str) -> Company:
    """As it is before anything was said about it."""
    return Company(
        Tenant(id=uuid4(), name=name, slug=slug, role="owner", created_at=NOW, updated_at=NOW),
        Onboarding(step="profile", skipped=[], completed_at=None),
        ProfileReply(profile=Profile(), updated_at=None),
    )


class Refused(HTTPException):
    def __init__(
        self, status: int, code: str, title: str, detail: str = "", errors: list[FieldError] | None = None, **more: Any
    ):
        super().__init__(status_code=status, detail=title)
        self.problem = Problem(
            type=f"urn:ocsuite:problem:{code}",
            title=title,
            status=status,
            code=code,
            request_id="req_0192f0c0ffee",
            detail=detail or None,
            errors=errors or [],
            **more,
        )


def on_refused(_request: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    return Response(
        msgspec.json.encode(error.problem), status_code=error.status_code, media_type="application/problem+json"
    )


async def body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).rpartition(" - at `")
        field_error = FieldError(path=path.rstrip("`") or "$", message=message)
        raise Refused(422, "validation_failed", "The request is not valid", str(error), [field_error]) from error


def who(request: Request[Any, Any, Any], state: State) -> User:
    world: World = state.world
    if status := world.faults.get(request.url.path):
        raise Refused(
            status, "internal" if status == 500 else "limit_reached", "This did not work", "The fake was told to fail."
        )
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    email = world.tokens.get(token)
    if email is None:
        raise Refused(401, "unauthenticated", "Sign in first")
    return world.users[email]


def company_of(request: Request[Any, Any, Any], state: State, tenant_id: UUID | str) -> Company:
    user = who(request, state)
    companies: list[Company] = state.world.companies.get(user.email or "", [])
    for company in companies:
        if str(company.tenant.id) == str(tenant_id):
            return company
    raise Refused(404, "not_found", "Nothing is here")


def open_session(state: State, user: User, status: int) -> Response[SignedIn]:
    world: World = state.world
    session = uuid4().hex
    world.sessions[session] = user.email or ""
    reply = SignedIn(access_token=new_token(world, session), expires_in=world.token_seconds, user=user)
    cookie = Cookie(key=COOKIE, value=session, httponly=True, samesite="lax", max_age=86400, path="/")
    return Response(reply, status_code=status, cookies=[cookie])


def new_token(world: World, session: str) -> str:
    token = f"token-{uuid4().hex}"
    world.tokens[token] = world.sessions[session]
    return token


@get("/health/live", sync_to_thread=False)
def live() -> dict[str, str]:
    return {"status": "ok"}


@post("/auth/sign-up")
async def sign_up(request: Request[Any, Any, Any], state: State) -> Response[SignedIn]:
    data = await body(request, SignUp)
    if data.email.lower() in state.world.users:
        raise Refused(
            409, "email_taken", "An account with this address exists already", "Sign in, or use another address."
        )
    user = User(id=uuid4(), email=data.email.lower(), full_name=data.full_name, created_at=NOW)
    state.world.users[data.email.lower()] = user
    return open_session(state, user, 201)


@post("/auth/password/strength", status_code=200)
async def judge_password(request: Request[Any, Any, Any]) -> PasswordStrength:
    await body(request, PasswordCandidate)
    return PasswordStrength(score=4, reason=None)


@post("/auth/sign-in")
async def sign_in(request: Request[Any, Any, Any], state: State) -> Response[SignedIn]:
    data = await body(request, SignIn)
    user = state.world.users.get(data.email.lower())
    if user is None or data.password == "wrong-password":
        raise Refused(401, "wrong_credentials", "The address or the password is wrong")
    return open_session(state, user, 200)


@post("/auth/token", status_code=200, sync_to_thread=False)
def renew(request: Request[Any, Any, Any], state: State) -> AccessToken:
    world: World = state.world
    session = request.cookies.get(COOKIE, "")
    if session not in world.sessions:
        raise Refused(401, "session_expired", "The session has ended")
    world.renewals += 1
    return AccessToken(access_token=new_token(world, session), expires_in=world.token_seconds)


@post("/auth/sign-out", status_code=204, sync_to_thread=False)
def sign_out(request: Request[Any, Any, Any], state: State) -> None:
    state.world.sessions.pop(request.cookies.get(COOKIE, ""), None)


@get("/me", sync_to_thread=False)
def me(request: Request[Any, Any, Any], state: State) -> Me:
    user = who(request, state)
    companies: list[Company] = state.world.companies.get(user.email or "", [])
    refs = [TenantRef(id=one.tenant.id, name=one.tenant.name, slug=one.tenant.slug) for one in companies]
    held = state.world.held.get(user.email, [permission.key for permission in declarations().permissions])
    return Me(
        user=user,
        memberships=[Membership(tenant=ref, role="owner", roles=["owner"], permissions=held) for ref in refs],
    )


@post("/tenants")
async def create_tenant(request: Request[Any, Any, Any], state: State) -> Tenant:
    user = who(request, state)
    data = await body(request, TenantCreate)
    slug = data.slug or "-".join("".join(c if c.isalnum() else " " for c in data.name.lower()).split())
    if slug == "taken":
        raise Refused(409, "slug_taken", "This address is taken", "Choose another.")
    world: World = state.world
    company = new_company(data.name, slug)
    if world.founded_by.setdefault(request.headers["idempotency-key"], company) is company:
        world.companies.setdefault(user.email or "", []).append(company)
    return world.founded_by[request.headers["idempotency-key"]].tenant


@get("/tenants/{tenant_id:uuid}", sync_to_thread=False)
def read_tenant(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> Tenant:
    return company_of(request, state, tenant_id).tenant


@patch("/tenants/{tenant_id:uuid}")
async def rename_tenant(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> Tenant:
    company = company_of(request, state, tenant_id)
    data = await body(request, TenantPatch)
    changes = {key: value for key, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    company.tenant = msgspec.structs.replace(company.tenant, **changes)
    return company.tenant


@get("/tenants/{tenant_id:uuid}/profile", sync_to_thread=False)
def read_profile(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> ProfileReply:
    return company_of(request, state, tenant_id).profile


@put("/tenants/{tenant_id:uuid}/profile")
async def replace_profile(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> ProfileReply:
    company = company_of(request, state, tenant_id)
    company.profile = ProfileReply(profile=await body(request, Profile), updated_at=NOW)
    return company.profile


@get("/tenants/{tenant_id:uuid}/onboarding", sync_to_thread=False)
def read_onboarding(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> Onboarding:
    return company_of(request, state, tenant_id).onboarding


@patch("/tenants/{tenant_id:uuid}/onboarding")
async def move_onboarding(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> Onboarding:
    company = company_of(request, state, tenant_id)
    data = await body(request, OnboardingPatch)
    skipped = [*company.onboarding.skipped, *([data.skipped] if data.skipped else [])]
    company.onboarding = Onboarding(step=data.step, skipped=skipped, completed_at=NOW if data.step == "done" else None)
    return company.onboarding


@get("/tenants/{tenant_id:uuid}/usage", sync_to_thread=False)
def usage(request: Request[Any, Any, Any], state: State, tenant_id: FromPath[UUID]) -> Usage:
    company_of(request, state, tenant_id)
    resets = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Usage(
        tenant_id=tenant_id,
        lines=[
            UsageLine(metric="messages_per_day", limit=200, used=state.world.messages_used, resets_at=resets),
            UsageLine(metric="tasks_per_day", limit=100, used=92, resets_at=resets),
            UsageLine(metric="members", limit=25, used=1, resets_at=None),
        ],
    )


def _metric(key: str, label: str, values: list[float], **more: Any) -> MetricSnapshot:
    points = [
        MetricPoint(at=NOW - timedelta(days=30 * (len(values) - 1 - index)), value=value)
        for index, value in enumerate(values)
    ]
    change = (values[-1] - values[-2]) / values[-2] if values[-2] else None
    return MetricSnapshot(
        key=key,
        label=label,
        value=values[-1],
        as_of=NOW,
        source="metrics.demo",
        trend=points,
        change=change,
        demonstration=True,
        **more,
    )


@get("/dashboard", sync_to_thread=False)
def dashboard(request: Request[Any, Any, Any], state: State) -> Dashboard:
    company = company_of(request, state, request.headers.get("x-tenant-id", ""))
    currency = company.profile.profile.currency
    months = range(12)
    money: dict[str, Any] = {"unit": "currency", "currency": currency}
    metrics = [
        _metric("cash", "Cash", [2_400_000 - 96_000 * m + 20_000 * math.sin(m) for m in months], period="now", **money),
        _metric("revenue", "Revenue", [82_000 * 1.06**m for m in months], period="month", **money),
        _metric("burn", "Net burn", [118_000 - 2_100 * m for m in months], period="month", good="down", **money),
        _metric("runway", "Runway", [20.3 - 0.55 * m for m in months], unit="months", period="now"),
        _metric(
            "leads", "Qualified leads", [140 + 9 * m + 14 * math.sin(m) for m in months], unit="count", period="month"
        ),
        _metric(
            "churn", "Customer churn", [3.4 - 0.09 * m for m in months], unit="percent", period="month", good="down"
        ),
    ]
    source = MetricSource(capability="metrics.demo", version="1.0.0", title="Demonstration figures", demonstration=True)
    return Dashboard(
        tenant_id=company.tenant.id,
        generated_at=datetime.now(UTC),
        currency=currency,
        sources=[source],
        metrics=metrics,
        status="ready",
    )


@post("/c-suite/board-meeting", status_code=200)
async def board_meeting(request: Request[Any, Any, Any], state: State) -> BoardMeeting:
    company_of(request, state, request.headers.get("x-tenant-id", ""))
    data = await body(request, BoardMeetingRequest)
    world: World = state.world
    return world.meetings.setdefault(request.headers["idempotency-key"], meeting_about(data.topic))


def meeting_about(topic: str) -> BoardMeeting:
    return BoardMeeting(
        id=uuid4(),
        status="placeholder",
        topic=topic or "Next quarter's plan",
        created_at=datetime.now(UTC),
        agenda=[
            AgendaItem(id="a1", title="Where we stand", minutes=10),
            AgendaItem(id="a2", title="Runway and spending", minutes=15),
            AgendaItem(id="a3", title="Priorities for the next quarter", minutes=20),
        ],
        attendees=[
            Attendee(executive="ceo", title="Chief Executive Officer"),
            Attendee(executive="cfo", title="Chief Financial Officer"),
            Attendee(executive="cro", title="Chief Revenue Officer"),
        ],
        statements=[
            Statement(agenda_item_id="a1", executive="ceo", text="Revenue grows faster than spending; the gap closes."),
            Statement(agenda_item_id="a2", executive="cfo", text="At the present burn, cash lasts fourteen months."),
            Statement(agenda_item_id="a3", executive="cro", text="Two segments bring four fifths of the pipeline."),
        ],
        decisions=[
            Decision(
                agenda_item_id="a2", text="Hold hiring at plan until runway is back above 18 months.", owner="cfo"
            ),
            Decision(agenda_item_id="a3", text="Focus outbound on the two strongest segments.", owner="cro"),
        ],
    )


@get("/c-suite/executives", sync_to_thread=False)
def executives(request: Request[Any, Any, Any], state: State) -> Page[Executive]:
    who(request, state)
    ceo = Executive(
        key="ceo",
        title="Chief Executive Officer",
        capability="csuite.ceo.chat",
        version="1.0.0",
        provider="mock",
        model="mock-1",
        suggestions=["What should we focus on this quarter?", "How long does our cash last?"],
    )
    return Page(items=[ceo])


@get("/c-suite/conversations", sync_to_thread=False)
def conversations(request: Request[Any, Any, Any], state: State) -> Page[Conversation]:
    who(request, state)
    return Page(items=[])


HANDLERS = [
    live,
    sign_up,
    judge_password,
    sign_in,
    renew,
    sign_out,
    me,
    create_tenant,
    read_tenant,
    rename_tenant,
    read_profile,
    replace_profile,
    read_onboarding,
    move_onboarding,
    usage,
    dashboard,
    board_meeting,
    executives,
    conversations,
]


def create_fake(world: World) -> Litestar:
    return Litestar(
        HANDLERS, state=State({"world": world}), exception_handlers={Refused: on_refused}, openapi_config=None
    )


if __name__ == "__main__":
    uvicorn.run(create_fake(World()), port=int(sys.argv[1]), log_level="warning")
