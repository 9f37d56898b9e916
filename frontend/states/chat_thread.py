"""The conversation being shown: its messages, page by page, and who answers."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.states.chat_list import CHAT_PATH, ConversationsState
from frontend.states.chat_views import ExecutiveView, MessageView, executive_view, message_view
from frontend.states.session import Notice
from module_sdk.client import ApiError, TenantClient
from module_sdk.wire.csuite import Executive, Message

PAGE_MESSAGES: Final = 30
DEFAULT_EXECUTIVE: Final = "ceo"


class ThreadState(ConversationsState):
    """Everything said before the latest answer, which :class:`frontend.states.chat.ChatState` keeps."""

    messages: list[MessageView] = []
    executive: ExecutiveView = ExecutiveView()
    #: True while the messages of a conversation that was just opened are being read.
    loading: bool = True
    missing: bool = False
    failed: bool = False
    problem: Notice = Notice()
    has_older: bool = False
    fetching_older: bool = False

    _older_cursor: str = ""
    _executives: list[Executive] = []

    @rx.event
    async def load_older(self) -> Any:
        """Put the page before the oldest message shown in front of it."""
        if not self.has_older or self.fetching_older:
            return
        self.fetching_older = True
        yield
        async with self._talk() as api:
            page = await self._tenant(api).messages(UUID(self.open_id), cursor=self._older_cursor, limit=PAGE_MESSAGES)
            self.messages = [*self._shown(page.items), *self.messages]
            self._older_at(page.next_cursor)
        self.fetching_older = False

    async def _read_surroundings(self, tenant: TenantClient) -> None:
        """What is the same for every conversation: who answers, and the time zone."""
        if not self._executives:
            executives, profile = await asyncio.gather(tenant.executives(), tenant.profile())
            self._executives, self._time_zone = executives.items, profile.profile.time_zone
        self.executive = executive_view(self._executives, DEFAULT_EXECUTIVE)

    async def _read_thread(self, tenant: TenantClient) -> list[MessageView]:
        """The newest messages of the open conversation, oldest first; empty with ``missing`` if there is none."""
        try:
            conversation_id = UUID(self.open_id)
            conversation, page = await asyncio.gather(
                tenant.conversation(conversation_id), tenant.messages(conversation_id, limit=PAGE_MESSAGES)
            )
        except ValueError:
            self.missing = True
            return []
        except ApiError as error:
            if error.problem.status != 404:
                raise
            self.missing = True
            return []
        self.title = conversation.title
        self.executive = executive_view(self._executives, conversation.executive)
        self._older_at(page.next_cursor)
        return self._shown(page.items)

    def _shown(self, newest_first: list[Message]) -> list[MessageView]:
        now, where = datetime.now(UTC), words.zone(self._time_zone)
        return [message_view(message, now, where) for message in reversed(newest_first)]

    def _older_at(self, cursor: str | None) -> None:
        self._older_cursor, self.has_older = cursor or "", cursor is not None

    def _turn_to(self, conversation_id: str) -> None:
        """Show nothing of the conversation before, and the title of the next one if the list knows it."""
        self.open_id, self.loading = conversation_id, conversation_id != ""
        self.title = next((one.title for one in self.conversations if one.id == conversation_id), "")
        self.messages, self.missing, self.failed = [], False, False
        self._older_at(None)

    def _broke(self, notice: Notice) -> None:
        """Show the error in place of a conversation, but never in place of one that is being shown."""
        self.failed, self.problem, self.loading = not self.messages, notice, False
        if self.messages and not self.api_down:
            self._tell(notice)

    def _fail_question(self, notice: Notice) -> None:
        """Mark the question on top as not sent; its text stays where it is."""
        *others, question = self.messages
        failed = replace(question, status="unsent", error_title=notice.title, error_detail=notice.detail)
        self.messages = [*others, failed]


def conversation_in(path: str) -> str:
    """The id in ``/chat/{id}``, ``""`` in ``/chat``."""
    return path.removeprefix(CHAT_PATH).strip("/")
