"""The chat: opened, caught up with what other tabs said, asked, followed while it answers, stopped, asked again."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import reflex as rx

from frontend.features.chat.answer_state import PENDING, AnswerState
from frontend.features.chat.conversations_state import CHAT_PATH
from frontend.features.chat.stream import Draft, gathered
from frontend.features.chat.thread_state import DEFAULT_EXECUTIVE, conversation_in
from frontend.features.chat.views import MessageView, RefusalView, refusal_view
from frontend.platform import runtime
from frontend.platform.session import Notice
from module_sdk.api.client import ApiError, ClientError, StreamItem, TenantClient
from module_sdk.api.csuite import MESSAGE_MAX_CHARS, ChatRequest, Started
from module_sdk.api.text import clean_prose

#: What a browser names its questions by.
_KEY: Final = re.compile(r"[0-9-]{8,80}")


class ChatState(AnswerState):
    """The page ``/chat``."""

    #: The browser was told to take the address of the new conversation, and has not loaded it yet.
    _moving: bool = False

    @rx.event
    async def load(self) -> Any:
        """Show the conversation in the address, and go on with an answer that is being written."""
        wanted = conversation_in(self._path())
        moving, self._moving = self._moving, False
        if moving and not wanted:
            # Reloaded in between.
            yield rx.redirect(f"{CHAT_PATH}/{self.open_id}", replace=True)
            return
        if wanted != self.open_id:
            self._open(wanted)
            yield
        if (away := await self._enter()) is not None:
            yield away
            return
        if self.open_id != wanted:
            self._open(wanted)
        if not self._turn or self.interrupted:
            self.failed = False
            async with self._talk(self._broke) as api:
                await self._read(self._tenant(api))
            yield ChatState.resume if self.answer.status == "streaming" else None
        # Last and on its own: a list that cannot be read keeps nobody from their conversation.
        await self._list_again()

    @rx.event
    async def look_again(self) -> Any:
        """Show what other tabs and devices have said, renamed and deleted meanwhile."""
        if self._turn or not self.entered or self.loading or self.missing or self.failed:
            return
        async with self._talk(_in_silence) as api:
            tenant = self._tenant(api)
            await self._list(tenant)
            if self.open_id:
                await self._look_at_thread(tenant)
        if self.answer.status == "streaming":
            yield ChatState.resume

    @rx.event(background=True)
    async def send(self, form: dict[str, Any]) -> Any:
        """Ask a question for the first time or again: of one key, once."""
        text, key, conversation = (str(form.get(name, "")) for name in ("message", "key", "conversation"))
        text = clean_prose(text).strip()
        async with self:
            apart = self.loading or self.missing or self.failed or conversation != self.open_id
            if apart or self.busy or not self.entered or not text or not _KEY.fullmatch(key):
                return
            if key in self._keys:
                self._acknowledge(key)
                return
            turn, tenant = self._begin(), self._client()
            executive = self.executive.key or DEFAULT_EXECUTIVE
            if len(text) > MESSAGE_MAX_CHARS:
                self._finish()
                detail = f"At most {MESSAGE_MAX_CHARS:,} characters."
                self.refused = RefusalView(key, "This message is too long", detail)
                return
        body = ChatRequest(message=text, conversation_id=UUID(conversation) if conversation else None)
        answer = tenant.chat(body, executive=executive, idempotency_key=key)
        async for event in self._follow(turn, answer, key):
            yield event

    @rx.event(background=True)
    async def regenerate(self) -> Any:
        """Ask for another answer in place of the latest one, which comes back if there is none."""
        async with self:
            if self.busy or not self.answer.id:
                return
            before = self._whole()
            turn, tenant = self._begin(), self._client()
            self._before = before
            self._begin_instead(MessageView(id=PENDING, status="streaming"))
        answer = tenant.regenerate(UUID(before.id), idempotency_key=str(uuid4()))
        async for event in self._follow(turn, answer):
            yield event

    @rx.event(background=True)
    async def resume(self) -> Any:
        """Follow an answer that was begun elsewhere or before the page was loaded, from its start."""
        async with self:
            shown = self.answer
            if self._turn or shown.status != "streaming" or shown.id == PENDING:
                return
            turn, tenant = self._begin(), self._client()
            self._begin_instead(shown)
        async for event in self._follow(turn, tenant.resume(UUID(shown.id))):
            yield event

    @rx.event
    async def stop(self) -> Any:
        """Stop the answer; the text so far stays. One that has not begun is stopped when it has."""
        if not self.busy:
            return
        self.stopping = True
        if self.answer.status != "streaming" or self.answer.id == PENDING:
            return
        yield
        stopped = False
        async with self._talk() as api:
            await self._tenant(api).stop(UUID(self.answer.id))
            stopped = True
        self.stopping = stopped and self.busy

    async def _read(self, tenant: TenantClient) -> None:
        """Read the conversation, down to the message that a search led to."""
        found = parse_qs(self.router.url.query).get("message", [""])[-1]
        await self._read_surroundings(tenant)
        messages, older = await self._read_thread(tenant, through=found) if self.open_id else ([], None)
        if self._turn or found:
            self._place(messages, older)
        else:
            self._catch_up(messages, older)
        self.found, self.loading = found, False
        self._name_tab()

    async def _look_at_thread(self, tenant: TenantClient) -> None:
        """Read the messages again if the latest is another than the one that is shown."""
        try:
            newest = (await tenant.messages(UUID(self.open_id), limit=1)).items
        except ApiError as error:
            if error.problem.status != 404:
                raise
            self._vanish()
            return
        if newest and (str(newest[0].id), newest[0].status) != (self.answer.id, self.answer.status):
            self._catch_up(*await self._read_thread(tenant))

    async def _follow(self, turn: str, items: AsyncGenerator[StreamItem, None], key: str = "") -> AsyncGenerator[Any]:
        """Show an answer as it arrives, until its end or until the page turns to something else."""
        draft, begun = Draft(), False
        try:
            async with aclosing(gathered(items)) as batches:
                async for batch in batches:
                    for item in batch:
                        draft.take(item)
                    await draft.advance()
                    async with self:
                        events, goes_on = self._advance(turn, draft, key, first=not begun)
                    begun = draft.started is not None
                    for event in events:
                        yield event
                    if not goes_on:
                        return
        except ClientError as error:
            async with self:
                if self._turn == turn:
                    await self._explain(error, key, begun=begun)
        finally:
            async with self:
                if self._turn == turn:
                    self._finish()

    def _advance(self, turn: str, draft: Draft, key: str, *, first: bool) -> tuple[list[Any], bool]:
        """Take over what arrived; what to do next, and whether to go on."""
        if (started := draft.started) is None:
            self.interrupted = draft.interrupted
            return [], True
        if key and first:
            self._acknowledge(key)
        if self._turn != turn:
            return [], False
        if key and first and self.messages.get(str(started.question.id)) is not None:
            # It had arrived before: whatever was said since then is read with it.
            self._finish()
            return [ChatState.load], False
        events = self._start(started, key) if first else []
        replaced = self._before is not None
        self._show(draft)
        if replaced and draft.ended is not None and draft.ended.status == "stopped":
            events.append(ChatState.look_again)
        return events, True

    def _start(self, started: Started, key: str) -> list[Any]:
        fresh = self.open_id == "" and self._path().rstrip("/") == CHAT_PATH
        self._take_start(started, asked=key != "")
        self._moving = fresh
        away = [rx.redirect(f"{CHAT_PATH}/{self.open_id}", replace=True)] if fresh else []
        return [*away, ChatState.stop] if self.stopping else away

    async def _explain(self, error: ClientError, key: str, *, begun: bool) -> None:
        """Say why an answer cannot be followed."""
        lost = begun or (not key and self._before is None)
        async with self._talk(self._lose if lost else self._failing(error, key)):
            raise error

    def _failing(self, error: ClientError, key: str) -> Callable[[Notice], None]:
        """What to do with the words for a question that was not taken, or an answer that was not begun again."""

        def fail(notice: Notice) -> None:
            before = self._before
            self._finish()
            self.announcement = notice.title
            refusal = refusal_view(key, error, notice.title, notice.detail, datetime.now(UTC))
            if before is not None:
                self._put_back(before)
                self.setback = refusal
            elif isinstance(error, ApiError) and error.problem.code == "not_found":
                self._vanish()
            else:
                self.refused = refusal

        return fail

    def _vanish(self) -> None:
        """The conversation that is shown was deleted elsewhere."""
        self.conversations.remove(self.open_id)
        self.missing, self.vanished = True, True

    def _client(self) -> TenantClient:
        """The API for a background event, which cannot keep the state locked while it talks."""
        api = runtime.current().api_for(self._session_value() or "", self.router.session.client_ip)
        return self._tenant(api)


def _in_silence(_notice: Notice) -> None:
    """Nobody asked: whatever went wrong is tried again."""
