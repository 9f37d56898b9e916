"""Walks through the product over HTTP alone, and stops at the first thing that is not as the contract says.

Makes two accounts with random addresses and one company. Conversations are deleted at the end; accounts and the
company stay, since the API deletes neither.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from secrets import token_hex
from typing import Final
from uuid import UUID, uuid4

import httpx

from backend.operations.errors import Echo
from backend.operations.smoke_checks import (
    SmokeFailed,
    answer_id,
    collect,
    cut_points,
    ended,
    expect,
    parse_frames,
    read_frames,
    refused,
)
from module_sdk.api.client import ApiClient, ApiError, ChatEvent, ClientError, Session, TenantClient
from module_sdk.api.csuite import BoardMeetingRequest, ChatRequest, ConversationPatch, Delta, Message
from module_sdk.api.identity import SignIn, SignUp
from module_sdk.api.tenants import OnboardingPatch, Profile, TenantCreate

_RENEW_AFTER: Final = 40.0  # seconds; a token lives for 60
_PATHS: Final = ("/auth/sign-up", "/me", "/tenants", "/c-suite/board-meeting", "/dashboard")
_PROFILE: Final = Profile(
    industry="Quality assurance", size="2-10", stage="seed", country="DE", currency="EUR", time_zone="Europe/Berlin",
    goals=["Notice what is broken before customers do"],
)  # fmt: skip


class _Account:
    """Somebody signed up for this walk; renews their token as it ages."""

    def __init__(self, api: ApiClient, email: str, password: str, session: Session) -> None:
        self._public = api
        self.email = email
        self.password = password
        self.cookie = session.cookie.pair
        self._token = session.signed_in.access_token
        self._renewed_at = time.monotonic()
        self.api = api.with_token(self.token)

    async def token(self) -> str:
        """A token with at least a third of its life left."""
        if time.monotonic() - self._renewed_at > _RENEW_AFTER:
            self._token = (await self._public.refresh(self.cookie)).token.access_token
            self._renewed_at = time.monotonic()
        return self._token


async def smoke(base_url: str, echo: Echo) -> None:
    """Raises :class:`SmokeFailed` at the first difference."""
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=httpx.Timeout(60.0, connect=5.0)) as http:
        try:
            api = ApiClient(base_url, http=http)
        except ValueError as error:
            raise SmokeFailed(f"{base_url}: {error}") from None
        walk = _Walk(http, base_url.rstrip("/"), api)
        for step in walk.steps():
            name = step.__name__.replace("_", " ")
            try:
                seen = await step()
            except SmokeFailed as error:
                raise SmokeFailed(f"{name}: {error}") from None
            except (ClientError, httpx.HTTPError) as error:
                raise SmokeFailed(f"{name}: {str(error) or type(error).__name__} ({base_url})") from None
            echo(f"ok  {name}{f' ({seen})' if seen else ''}")
    echo(f"Everything works, in {time.monotonic() - began:.1f} s.")


class _Walk:
    """The steps, in an order in which each needs only those before it. Each gives a remark or nothing."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, api: ApiClient) -> None:
        self._http = http
        self._base_url = base_url
        self._api = api
        self._mark = token_hex(6)
        self._account: _Account
        self._stranger: _Account
        self._tenant: TenantClient
        self._frames: list[bytes]
        self._answer: Message
        self._conversation_id: UUID

    def steps(self) -> list[Callable[[], Awaitable[str | None]]]:
        """Every step; a step's name is what people see."""
        return [
            self.health, self.openapi_document, self.sign_up, self.company, self.profile_and_onboarding,
            self.dashboard, self.executives, self.chat, self.resume_at_every_cut, self.repeated_request, self.stop,
            self.regenerate, self.conversations, self.board_meeting, self.foreign_tenant, self.delete, self.sign_out,
        ]  # fmt: skip

    async def health(self) -> None:
        for path in ("/health/live", "/health/ready"):
            response = await self._http.get(self._base_url + path)
            expect(response.status_code == 200, f"{path} answered {response.status_code}: {response.text[:200]}")

    async def openapi_document(self) -> str:
        response = await self._http.get(f"{self._base_url}/schema/openapi.json")
        expect(response.status_code == 200, f"/schema/openapi.json answered {response.status_code}")
        document = response.json()
        expect(str(document.get("openapi", "")).startswith("3."), "it is not an OpenAPI 3 document")
        missing = [path for path in _PATHS if path not in document.get("paths", {})]
        expect(not missing, f"it lacks {', '.join(missing)}")
        return f"{len(document['paths'])} paths"

    async def sign_up(self) -> None:
        self._account = await self._new_account("one")
        self._stranger = await self._new_account("two")
        session = await self._api.sign_in(SignIn(email=self._account.email, password=self._account.password))
        me = await self._account.api.me()
        expect(me.user.id == session.signed_in.user.id, "sign-in and /me name different people")
        expect(not me.memberships, "a new person is a member of something")

    async def _new_account(self, name: str) -> _Account:
        email, password = f"smoke-{self._mark}-{name}@example.com", token_hex(16)
        body = SignUp(email=email, password=password, full_name=f"Smoke Test {name.title()}")
        try:
            return _Account(self._api, email, password, await self._api.sign_up(body))
        except ApiError as error:
            if error.problem.status != 404:
                raise
            raise SmokeFailed("local accounts are off (Clerk mode); this walk needs them") from None

    async def company(self) -> None:
        key = str(uuid4())
        body = TenantCreate(name=f"Smoke Test {self._mark}")
        tenant = await self._account.api.create_tenant(body, idempotency_key=key)
        expect(tenant.role == "owner", f"its creator is {tenant.role}, not owner")
        again = await self._account.api.create_tenant(body, idempotency_key=key)
        expect(again == tenant, "the same Idempotency-Key made a second company")
        listed = await self._account.api.tenants()
        expect([item.id for item in listed.items] == [tenant.id], "the list of companies is not this one alone")
        self._tenant = self._account.api.for_tenant(tenant.id)

    async def profile_and_onboarding(self) -> None:
        await self._tenant.replace_profile(_PROFILE)
        stored = await self._tenant.profile()
        expect(stored.profile == _PROFILE, "the stored profile is not the one that was sent")
        await self._tenant.move_onboarding(OnboardingPatch(step="done", skipped="integration"))
        state = await self._tenant.onboarding()
        expect(state.step == "done" and state.completed_at is not None, "onboarding is not completed")

    async def dashboard(self) -> str:
        found = await self._tenant.dashboard()
        expect(bool(found.metrics), "it has no metrics")
        expect(found.currency == _PROFILE.currency, f"its currency is {found.currency}, not the profile's")
        sources = {source.capability for source in found.sources}
        expect({metric.source for metric in found.metrics} <= sources, "a metric names a source that is not listed")
        return f"{len(found.metrics)} metrics"

    async def executives(self) -> str:
        found = {executive.key: executive for executive in (await self._tenant.executives()).items}
        expect("ceo" in found, "there is no CEO")
        return f"{found['ceo'].provider}: {found['ceo'].model}"

    async def chat(self) -> str:
        body = {"message": "What should we focus on this quarter?"}
        async with self._streamed("POST", "/c-suite/ceo/chat", json=body) as response:
            self._frames = await read_frames(response)
        events = parse_frames(self._frames)
        self._answer = ended(events)
        expect(self._answer.status == "completed", f"the answer ended as {self._answer.status}: {self._answer.error}")
        text = "".join(event.data.text for event in events if isinstance(event.data, Delta))
        expect(text == self._answer.content, "the deltas do not add up to the completed text")
        self._conversation_id = self._answer.conversation_id
        stored = await self._tenant.messages(self._conversation_id)
        expect([m.role for m in stored.items] == ["assistant", "user"], "question and answer are not both stored")
        expect(stored.items[0] == self._answer, "the stored answer is not the streamed one")
        return f"{len(events)} events"

    async def resume_at_every_cut(self) -> str:
        cuts = cut_points(len(self._frames))
        for after in cuts:
            headers = {"Last-Event-ID": str(after)}
            path = f"/c-suite/messages/{self._answer.id}/stream"
            async with self._streamed("GET", path, headers=headers) as response:
                rest = await read_frames(response)
            expect(rest == self._frames[after:], f"after event {after} it gave other bytes than the first time")
        return f"{len(cuts)} cuts"

    async def repeated_request(self) -> None:
        key, body = str(uuid4()), ChatRequest(message="Say that again.", conversation_id=self._conversation_id)
        first = ended(await collect(self._tenant.chat(body, idempotency_key=key)))
        again = ended(await collect(self._tenant.chat(body, idempotency_key=key)))
        expect(first == again, "the same Idempotency-Key asked twice")

    async def stop(self) -> str:
        body = ChatRequest(message="Tell me everything that you know.", conversation_id=self._conversation_id)
        events: list[ChatEvent] = []
        async with aclosing(self._tenant.chat(body)) as stream:
            async for item in stream:
                if not isinstance(item, ChatEvent):
                    continue
                events.append(item)
                if len(events) == 2 and not item.last:
                    await self._tenant.stop(answer_id(events))
        answer = ended(events)
        # A quick model may be done before the request to stop arrives.
        expect(answer.status in ("stopped", "completed"), f"the answer ended as {answer.status}")
        self._answer = answer
        return f"the answer was {answer.status}"

    async def regenerate(self) -> None:
        answer = ended(await collect(self._tenant.regenerate(self._answer.id)))
        expect(answer.status == "completed", f"the answer ended as {answer.status}: {answer.error}")
        expect(answer.reply_to_id == self._answer.reply_to_id, "it answers another question")
        shown = {message.id for message in (await self._tenant.messages(self._conversation_id)).items}
        expect(answer.id in shown and self._answer.id not in shown, "the new answer did not replace the old one")

    async def conversations(self) -> None:
        title = f"Renamed {self._mark}"
        await self._tenant.rename_conversation(self._conversation_id, ConversationPatch(title=title))
        listed = await self._tenant.conversations()
        expect([item.title for item in listed.items] == [title], "the list does not show the new title")
        for words, hits in ((self._mark, 1), ("everything know", 1), (f"no{self._mark}", 0)):
            found = await self._tenant.conversations(q=words)
            expect(len(found.items) == hits, f"searching for {words!r} found {len(found.items)}, not {hits}")

    async def board_meeting(self) -> str:
        meeting = await self._tenant.board_meeting(BoardMeetingRequest(topic="Quality"))
        expect(bool(meeting.agenda and meeting.attendees and meeting.statements), "it is empty")
        return meeting.status

    async def foreign_tenant(self) -> None:
        stranger = self._stranger.api.for_tenant(self._tenant.tenant_id)
        await refused(stranger.tenant(), 404, "not_found", "a stranger's read of the company")
        await refused(stranger.conversations(), 404, "not_found", "a stranger's list of conversations")
        await refused(collect(stranger.resume(self._answer.id)), 404, "not_found", "a stranger's read of an answer")
        expect(not (await self._stranger.api.me()).memberships, "the stranger became a member")
        await refused(self._api.me(), 401, "unauthenticated", "a request without a token")

    async def delete(self) -> None:
        await self._tenant.delete_conversation(self._conversation_id)
        await refused(self._tenant.conversation(self._conversation_id), 404, "not_found", "a deleted conversation")

    async def sign_out(self) -> None:
        await self._account.api.me()
        await self._api.sign_out(self._account.cookie)
        await refused(self._account.api.me(), 401, "session_expired", "the token of a session that ended")
        await refused(self._api.refresh(self._account.cookie), 401, "session_expired", "the cookie of such a session")

    @asynccontextmanager
    async def _streamed(
        self, method: str, path: str, *, json: object = None, headers: dict[str, str] | None = None
    ) -> AsyncGenerator[httpx.Response]:
        """A stream as its bytes, which the client would have parsed."""
        own = {"Authorization": f"Bearer {await self._account.token()}", "X-Tenant-Id": str(self._tenant.tenant_id)}
        url = self._base_url + path
        async with self._http.stream(method, url, json=json, headers={**own, **(headers or {})}) as response:
            if response.status_code != 200:
                text = (await response.aread()).decode(errors="replace")
                raise SmokeFailed(f"{path} answered {response.status_code}: {text[:200]}")
            kind = response.headers.get("Content-Type", "").partition(";")[0]
            expect(kind == "text/event-stream", f"{path} answered {kind or 'nothing'}, not an event stream")
            yield response
