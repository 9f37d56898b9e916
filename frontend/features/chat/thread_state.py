"""The conversation being shown: its messages, page by page, and who answers."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.features.chat.conversations_state import CHAT_PATH, ConversationsState
from frontend.features.chat.views import ExecutiveView, MessageView, executive_view, message_view
from frontend.kit.paged_list import PagedList, with_paged_lists
from frontend.platform.session import Notice
from module_sdk.api.client import ApiError, TenantClient
from module_sdk.api.csuite import Executive, Message

PAGE_MESSAGES: Final = 30
DEFAULT_EXECUTIVE: Final = "ceo"
#: From so many questions on that are left for today, the composer says so.
FEW_LEFT: Final = 10


@with_paged_lists
class ThreadState(ConversationsState):
    """Everything said before the latest answer, which :class:`frontend.features.chat.state.ChatState` keeps."""

    messages = PagedList(MessageView)
    executive: ExecutiveView = ExecutiveView()
    #: True while the messages of a conversation that was just opened are being read.
    loading: bool = True
    missing: bool = False
    #: With ``missing``: it was shown here a moment ago.
    vanished: bool = False
    failed: bool = False
    problem: Notice = Notice()
    has_older: bool = False
    fetching_older: bool = False
    #: The message that a search led to.
    found: str = ""
    #: How many questions the company has left today if they are few, else -1; and when the count starts again.
    left: int = -1
    resets_at: str = ""

    _older_cursor: str = ""
    _executives: list[Executive] = []
    _left: int | None = None

    @rx.event
    async def load_older(self) -> Any:
        """Put the page before the oldest message shown in front of it."""
        if not self.has_older or self.fetching_older:
            return
        self.fetching_older = True
        yield
        async with self._talk() as api:
            page = await self._tenant(api).messages(UUID(self.open_id), cursor=self._older_cursor, limit=PAGE_MESSAGES)
            self.messages.prepend(*await self._shown(page.items))
            self._older_at(page.next_cursor)
        self.fetching_older = False

    async def _read_surroundings(self, tenant: TenantClient) -> None:
        """What is the same for every conversation: who answers, the time zone, and what is left of today's limit."""
        if not self._executives:
            executives, profile = await asyncio.gather(tenant.executives(), tenant.profile())
            self._executives, self._time_zone = executives.items, profile.profile.time_zone
        self.executive = executive_view(self._executives, DEFAULT_EXECUTIVE)
        with suppress(ApiError):
            for line in (await tenant.usage()).lines:
                if line.metric == "messages_per_day" and line.resets_at is not None:
                    self.resets_at = line.resets_at.isoformat()
                    self._count_down(line.limit - line.used)

    def _count_down(self, left: int | None) -> None:
        """Note how many questions are left."""
        self._left = left
        self.left = max(left, 0) if left is not None and left <= FEW_LEFT else -1

    async def _read_thread(self, tenant: TenantClient, through: str = "") -> tuple[list[MessageView], str | None]:
        """The newest messages of the open conversation, down to ``through``, and where the older ones begin.

        Oldest first; none with ``missing`` if there is no such conversation.
        """
        try:
            conversation_id = UUID(self.open_id)
            reach = UUID(through) if through else None
            conversation, page = await asyncio.gather(
                tenant.conversation(conversation_id),
                tenant.messages(conversation_id, limit=PAGE_MESSAGES, through=reach),
            )
        except ValueError:
            self.missing = True
            return [], None
        except ApiError as error:
            if error.problem.status != 404:
                raise
            self.missing = True
            return [], None
        self.title = conversation.title
        self.executive = executive_view(self._executives, conversation.executive)
        return await self._shown(page.items), page.next_cursor

    async def _shown(self, newest_first: list[Message]) -> list[MessageView]:
        now, where = datetime.now(UTC), words.zone(self._time_zone)
        # Beside the event loop: thirty long answers are a lot of Markdown.
        return await asyncio.to_thread(
            lambda: [message_view(message, now, where) for message in reversed(newest_first)]
        )

    def _older_at(self, cursor: str | None) -> None:
        self._older_cursor, self.has_older = cursor or "", cursor is not None

    def _turn_to(self, conversation_id: str) -> None:
        """Show nothing of the conversation before, and the title of the next one if the list knows it."""
        self.open_id, self.loading = conversation_id, conversation_id != ""
        line = self.conversations.get(conversation_id)
        self.title = line.title if line is not None else ""
        self.messages.clear()
        self.missing, self.vanished, self.failed, self.found = False, False, False, ""
        self._older_at(None)
        self._name_tab()

    def _broke(self, notice: Notice) -> None:
        """Show the error in place of a conversation, but never in place of one that is being shown."""
        self.failed, self.problem, self.loading = not self.messages, notice, False
        if self.messages and not self.api_down:
            self._tell(notice)


def conversation_in(path: str) -> str:
    """The id in ``/chat/{id}``, ``""`` in ``/chat``."""
    return path.removeprefix(CHAT_PATH).strip("/")
