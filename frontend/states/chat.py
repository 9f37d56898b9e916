"""The chat's latest answer: asked for, followed while it is written, stopped, asked for again."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import reflex as rx

from frontend import runtime, words
from frontend.components import markdown
from frontend.states.chat_list import CHAT_PATH
from frontend.states.chat_stream import Draft, gathered
from frontend.states.chat_thread import DEFAULT_EXECUTIVE, ThreadState, conversation_in
from frontend.states.chat_views import MessageView, message_view
from frontend.states.session import Notice
from module_sdk.client import ClientError, StreamItem, TenantClient
from module_sdk.wire.csuite import MESSAGE_MAX_CHARS, ChatRequest, Message

#: Read aloud at the end of an answer; whoever wants the rest finds it in the page.
SPOKEN_CHARS: Final = 600
PENDING: Final = "pending"


class ChatState(ThreadState):
    """The page ``/chat``.

    The latest answer lives here and not among the messages: what changes 25 times a second is then a state of its own,
    so that neither the list nor the older messages are sent or drawn again, and nothing is replaced when it ends.
    """

    answer: MessageView = MessageView()
    blocks: list[str] = []
    tail: str = ""
    busy: bool = False
    stopping: bool = False
    #: The connection to the API is lost; it is being tried again.
    interrupted: bool = False
    announcement: str = ""

    #: Names the answer being followed; a follower whose name is gone leaves.
    _turn: str = ""
    _unsent_key: str = ""
    _before: MessageView | None = None

    @rx.event
    async def load(self) -> Any:
        """Show the conversation in the address, and go on with an answer that is being written."""
        wanted = conversation_in(self._path())
        if wanted != self.open_id:
            self._open(wanted)
            yield
        if (away := await self._enter()) is not None:
            yield away
            return
        if self.open_id != wanted:
            self._open(wanted)
        if self._turn and not self.interrupted:
            await self._read_around()
            return
        self.failed = False
        messages: list[MessageView] | None = None
        async with self._talk(self._broke) as api:
            tenant = self._tenant(api)
            await self._read_surroundings(tenant)
            messages = await self._read_thread(tenant) if wanted else []
        if messages is None:
            return
        self._place(messages)
        self.loading = False
        yield ChatState.resume if self.answer.status == "streaming" else None
        # Last and on its own: a list that cannot be read keeps nobody from their conversation.
        await self._list_again()

    async def _read_around(self) -> None:
        """What stands beside an answer in progress, if a question was quicker than the page."""
        if not self.listed:
            async with self._talk() as api:
                await self._read_surroundings(self._tenant(api))
            await self._list_again()

    @rx.event(background=True)
    async def send(self, form: dict[str, Any]) -> Any:
        """Ask what is in the composer."""
        async for event in self._ask(str(form.get("message", "")), str(uuid4())):
            yield event

    @rx.event(background=True)
    async def suggest(self, text: str) -> Any:
        """Ask one of the suggested questions."""
        async for event in self._ask(text, str(uuid4())):
            yield event

    @rx.event(background=True)
    async def send_again(self) -> Any:
        """Send the question that did not get through; with its first key, so that it is never asked twice."""
        async with self:
            if self.busy or not self.messages or self.messages[-1].status != "unsent":
                return
            text, key = self.messages[-1].text, self._unsent_key
            self.messages = self.messages[:-1]
        async for event in self._ask(text, key):
            yield event

    @rx.event
    def discard(self) -> None:
        """Drop the question that did not get through."""
        if not self.busy:
            self._place([message for message in self.messages if message.status != "unsent"], keep_unsent=False)

    @rx.event(background=True)
    async def regenerate(self) -> Any:
        """Ask for another answer in place of the latest one."""
        async with self:
            if self.busy or not self.answer.id:
                return
            replaced, self._before = UUID(self.answer.id), self.answer
            turn, tenant = self._begin(), self._client()
        async for event in self._follow(turn, tenant.regenerate(replaced)):
            yield event

    @rx.event(background=True)
    async def resume(self) -> Any:
        """Follow an answer that was begun elsewhere or before the page was loaded, from its start."""
        async with self:
            shown = self.answer
            if shown.status != "streaming" or shown.id == PENDING:
                return
            turn, tenant = self._begin(), self._client()
            self.answer = shown
        async for event in self._follow(turn, tenant.resume(UUID(shown.id))):
            yield event

    @rx.event
    async def stop(self) -> Any:
        """Stop the answer; the text so far stays."""
        if not self.busy:
            return
        self.stopping = True
        if self.answer.id == PENDING:
            return
        yield
        stopped = False
        async with self._talk() as api:
            await self._tenant(api).stop(UUID(self.answer.id))
            stopped = True
        self.stopping = stopped and self.busy

    async def _ask(self, text: str, key: str) -> AsyncGenerator[Any, None]:
        text = text.strip()
        async with self:
            if not text or self.busy:
                return
            self._settle()
            now = datetime.now(UTC)
            question = MessageView(
                id=PENDING, mine=True, status="completed", text=text, when=words.ago(now, now), iso=now.isoformat()
            )
            self.messages = [*(one for one in self.messages if one.status != "unsent"), question]
            self._unsent_key = key
            turn, tenant = self._begin(), self._client()
            conversation_id = UUID(self.open_id) if self.open_id else None
            executive = self.executive.key or DEFAULT_EXECUTIVE
        if len(text) > MESSAGE_MAX_CHARS:
            async with self:
                self._fail(
                    Notice(title="This message is too long", detail=f"At most {MESSAGE_MAX_CHARS:,} characters.")
                )
            return
        body = ChatRequest(message=text, conversation_id=conversation_id)
        async for event in self._follow(turn, tenant.chat(body, executive=executive, idempotency_key=key)):
            yield event

    async def _follow(self, turn: str, items: AsyncGenerator[StreamItem, None]) -> AsyncGenerator[Any, None]:
        """Show an answer as it arrives, until its end or until the page turns to something else."""
        draft = Draft()
        try:
            async with aclosing(gathered(items)) as batches:
                async for batch in batches:
                    for item in batch:
                        draft.take(item)
                    await draft.advance()
                    async with self:
                        if self._turn != turn:
                            return
                        event = self._show(draft)
                    if event is not None:
                        yield event
        except ClientError as error:
            async with self:
                if self._turn == turn:
                    await self._explain(error, begun=draft.started is not None or self.answer.id != PENDING)
        finally:
            async with self:
                if self._turn == turn:
                    self._turn, self.busy, self.stopping = "", False, False

    def _show(self, draft: Draft) -> Any:
        """Bring the page up to the draft; what to do next, if anything."""
        event = None
        if draft.started is not None and self.answer.id != str(draft.started.message.id):
            event = self._take_start(draft)
        if len(draft.blocks) != len(self.blocks):
            self.blocks = list(draft.blocks)
        self.interrupted = draft.interrupted
        if draft.ended is None:
            self.tail = draft.tail
        else:
            self._take_end(draft.ended)
        return event

    def _take_start(self, draft: Draft) -> Any:
        started = draft.started
        assert started is not None  # the caller looked
        now, where = datetime.now(UTC), words.zone(self._time_zone)
        if self.messages and self.messages[-1].id == PENDING:
            self.messages = [*self.messages[:-1], message_view(started.question, now, where)]
        self.answer, self._before = message_view(started.message, now, where), None
        self._bring_up(started.conversation)
        fresh = self.open_id != str(started.conversation.id)
        self.open_id, self.title = str(started.conversation.id), started.conversation.title
        events: list[Any] = [rx.redirect(f"{CHAT_PATH}/{self.open_id}", replace=True)] if fresh else []
        return [*events, ChatState.stop] if self.stopping else events

    def _take_end(self, message: Message) -> None:
        self.answer = message_view(message, datetime.now(UTC), words.zone(self._time_zone))
        self.blocks, self.tail = self.answer.blocks, ""
        self._turn, self.busy, self.stopping, self.interrupted = "", False, False, False
        who = self.executive.title
        if message.status == "failed":
            self.announcement = f"The answer failed. {self.answer.error_title}"
        else:
            spoken = markdown.plain(message.content)
            cut = spoken if len(spoken) <= SPOKEN_CHARS else f"{spoken[:SPOKEN_CHARS].rsplit(' ', 1)[0]} …"
            self.announcement = f"{who} {'was stopped' if message.status == 'stopped' else 'answered'}: {cut}"

    async def _explain(self, error: ClientError, *, begun: bool) -> None:
        """Say why an answer cannot be followed. One that was begun goes on at the server and is picked up again."""
        async with self._talk(self._lose if begun else self._fail):
            raise error

    def _lose(self, notice: Notice) -> None:
        self.interrupted = self.api_down
        if not self.api_down:
            self.answer = MessageView(
                id=self.answer.id, status="failed", error_title=notice.title, error_detail=notice.detail
            )

    def _fail(self, notice: Notice) -> None:
        """Nothing was begun: the question stays as unsent, or the answer that was to be replaced comes back."""
        if self._before is not None:
            self.answer, self._before = self._before, None
            self.blocks = self.answer.blocks
            self._tell(notice)
        else:
            self.answer, self.blocks = MessageView(), []
            self._fail_question(notice)
        self.tail, self.announcement = "", notice.title
        self._turn, self.busy, self.stopping = "", False, False

    def _begin(self) -> str:
        """Make room for an answer; the name under which it is followed."""
        self._turn = secrets.token_urlsafe(8)
        self.answer, self.blocks, self.tail = MessageView(id=PENDING, status="streaming"), [], ""
        self.busy, self.stopping, self.interrupted, self.loading = True, False, False, False
        self.announcement = f"{self.executive.title} is answering."
        return self._turn

    def _client(self) -> TenantClient:
        """The API for a background event, which cannot keep the state locked while it talks."""
        api = runtime.current().api_for(self._session_value() or "", self.router.session.client_ip)
        return self._tenant(api)

    def _open(self, conversation_id: str) -> None:
        self._turn_to(conversation_id)
        self._forget_answer()

    def _place(self, messages: list[MessageView], *, keep_unsent: bool = True) -> None:
        """Show ``messages``, the latest answer among them in its own place unless an unsent question comes after it."""
        self._forget_answer()
        unsent = [message for message in self.messages if message.status == "unsent"] if keep_unsent else []
        if messages and not messages[-1].mine and not unsent:
            *messages, self.answer = messages
            self.blocks = self.answer.blocks
        self.messages = [*messages, *unsent]

    def _settle(self) -> None:
        """Move the latest answer among the messages, before the next question."""
        if self.answer.id:
            self.messages = [*self.messages, self.answer]
            self._forget_answer()

    def _forget_answer(self) -> None:
        self.answer, self.blocks, self.tail, self.announcement = MessageView(), [], "", ""
        self._turn, self._before, self.busy, self.stopping, self.interrupted = "", None, False, False, False
