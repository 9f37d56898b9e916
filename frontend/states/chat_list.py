"""The list of conversations: search, more of it, rename, delete."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import reflex as rx

from frontend import words
from frontend.states.chat_views import ConversationView, conversation_view
from frontend.states.session import Notice, SessionState
from module_sdk.client import TenantClient
from module_sdk.wire.csuite import Conversation, ConversationPatch

CHAT_PATH: Final = "/chat"
PAGE_ROWS: Final = 30
TITLE_CHARS: Final = 120
QUERY_CHARS: Final = 200


class ConversationsState(SessionState):
    """The person's conversations, last spoken in first."""

    conversations: list[ConversationView] = []
    #: False until the list was read for the first time; the page shows a skeleton.
    listed: bool = False
    list_failed: bool = False
    more: bool = False
    fetching_more: bool = False
    query: str = ""
    #: The id of the conversation whose title is being edited.
    renaming: str = ""
    doomed: ConversationView = ConversationView()
    deleting: bool = False
    #: The id of the conversation being shown, ``""`` for a new one.
    open_id: str = ""
    title: str = ""

    _cursor: str = ""
    _time_zone: str = "UTC"

    @rx.event
    async def search(self, text: str) -> None:
        """List what matches ``text``; everything if it is empty."""
        query = " ".join(text.split())[:QUERY_CHARS]
        if query == self.query:
            return
        self.query = query
        await self._list_again()

    @rx.event
    async def list_again(self) -> None:
        """Read the list once more after it failed."""
        await self._list_again()

    @rx.event
    async def load_more(self) -> Any:
        """Append the next page of the list."""
        if not self.more or self.fetching_more:
            return
        self.fetching_more = True
        yield
        async with self._talk() as api:
            page = await self._tenant(api).conversations(q=self.query or None, cursor=self._cursor, limit=PAGE_ROWS)
            known = {conversation.id for conversation in self.conversations}
            fresh = [view for view in map(self._view, page.items) if view.id not in known]
            self.conversations = [*self.conversations, *fresh]
            self._continue_at(page.next_cursor)
        self.fetching_more = False

    @rx.event
    def begin_rename(self, conversation_id: str) -> None:
        """Edit a title in its place."""
        self.renaming = conversation_id

    @rx.event
    def cancel_rename(self) -> None:
        """Leave the title as it is."""
        self.renaming = ""

    @rx.event
    async def rename(self, form: dict[str, Any]) -> Any:
        """Store the edited title; it shows at once and comes back if the API refuses."""
        conversation_id, title = self.renaming, " ".join(str(form.get("title", "")).split())[:TITLE_CHARS]
        self.renaming = ""
        before = next((one for one in self.conversations if one.id == conversation_id), None)
        if before is None or not title or title == before.title:
            return
        self._retitle(conversation_id, title)
        yield
        stored = False
        async with self._talk() as api:
            await self._tenant(api).rename_conversation(UUID(conversation_id), ConversationPatch(title=title))
            stored = True
        if not stored:
            self._retitle(conversation_id, before.title)

    @rx.event
    def ask_to_delete(self, conversation_id: str) -> None:
        """Ask before a conversation is deleted: that cannot be undone."""
        self.doomed = next((one for one in self.conversations if one.id == conversation_id), ConversationView())

    @rx.event
    def keep(self) -> None:
        """Delete nothing."""
        self.doomed = ConversationView()

    @rx.event
    async def delete(self) -> Any:
        """Delete the conversation that was asked about, with its messages."""
        doomed = self.doomed
        if not doomed.id or self.deleting:
            return
        self.deleting = True
        yield
        async with self._talk() as api:
            await self._tenant(api).delete_conversation(UUID(doomed.id))
            self.conversations = [one for one in self.conversations if one.id != doomed.id]
            self._tell(Notice(kind="success", title="Conversation deleted"))
        self.doomed, self.deleting = ConversationView(), False
        if self.open_id == doomed.id and all(one.id != doomed.id for one in self.conversations):
            yield rx.redirect(CHAT_PATH, replace=True)

    async def _list_again(self) -> None:
        self.list_failed = False
        async with self._talk(self._list_broke) as api:
            await self._list(self._tenant(api))

    async def _list(self, tenant: TenantClient) -> None:
        """Read the first page."""
        page = await tenant.conversations(q=self.query or None, limit=PAGE_ROWS)
        self.conversations = [self._view(conversation) for conversation in page.items]
        self._continue_at(page.next_cursor)
        self.listed, self.list_failed = True, False

    def _list_broke(self, notice: Notice) -> None:
        self.list_failed = not self.listed
        if self.listed and not self.api_down:
            self._tell(notice)

    def _continue_at(self, cursor: str | None) -> None:
        self._cursor, self.more = cursor or "", cursor is not None

    def _bring_up(self, conversation: Conversation) -> None:
        """Put a conversation that was just spoken in on top, unless a search is being shown."""
        if not self.query:
            others = [one for one in self.conversations if one.id != str(conversation.id)]
            fresh = msgspec.structs.replace(conversation, updated_at=datetime.now(UTC))
            self.conversations = [self._view(fresh), *others]

    def _retitle(self, conversation_id: str, title: str) -> None:
        self.conversations = [
            ConversationView(one.id, title, one.when, one.iso, one.exact) if one.id == conversation_id else one
            for one in self.conversations
        ]
        if self.open_id == conversation_id:
            self.title = title

    def _view(self, conversation: Conversation) -> ConversationView:
        return conversation_view(conversation, datetime.now(UTC), words.zone(self._time_zone))
