"""The list of conversations: search, more of it, rename, delete."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import reflex as rx

from frontend import words
from frontend.features.chat.views import ConversationView, conversation_view
from frontend.kit.paged_list import PagedList, with_paged_lists
from frontend.platform.session import Notice, SessionState
from module_sdk.api.client import TenantClient
from module_sdk.api.csuite import Conversation, ConversationPatch
from module_sdk.api.text import clean_name

CHAT_PATH: Final = "/chat"
PAGE_ROWS: Final = 30
TITLE_CHARS: Final = 120
QUERY_CHARS: Final = 200


@with_paged_lists
class ConversationsState(SessionState):
    """The person's conversations, last spoken in first."""

    conversations = PagedList(ConversationView)
    #: False until the list was read for the first time; the page shows a skeleton.
    listed: bool = False
    list_failed: bool = False
    more: bool = False
    fetching_more: bool = False
    query: str = ""
    #: The id of the conversation being shown, ``""`` for a new one.
    open_id: str = ""
    title: str = ""
    #: The title again, with the time if another conversation in the list is called the same.
    tab_title: str = ""

    _cursor: str = ""
    _time_zone: str = "UTC"

    @rx.event
    async def search(self, text: str) -> None:
        """List what matches ``text``; everything if it is empty."""
        query = " ".join(text.split())[:QUERY_CHARS]
        if query == self.query:
            return
        self.query = query
        await self._list_again(afresh=True)

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
            self.conversations.append(*map(self._view, page.items))
            self._continue_at(page.next_cursor)
        self.fetching_more = False

    @rx.event
    async def rename(self, form: dict[str, Any]) -> Any:
        """Store the edited title; it shows at once and comes back if the API refuses."""
        conversation_id, title = str(form.get("id", "")), clean_name(str(form.get("title", "")))[:TITLE_CHARS]
        before = self.conversations.get(conversation_id)
        if before is None or not title or title == before.title:
            return
        self._retitle(before, title)
        yield
        stored = False
        async with self._talk() as api:
            await self._tenant(api).rename_conversation(UUID(conversation_id), ConversationPatch(title=title))
            stored = True
        if not stored:
            self._retitle(before, before.title)

    @rx.event
    async def delete(self, conversation_id: str) -> Any:
        """Delete a conversation with its messages, which the page has asked about."""
        if self.conversations.get(conversation_id) is None:
            return
        deleted = False
        async with self._talk() as api:
            await self._tenant(api).delete_conversation(UUID(conversation_id))
            deleted = True
        if deleted:
            self.conversations.remove(conversation_id)
            self._tell(Notice(kind="success", title="Conversation deleted"))
            if self.open_id == conversation_id:
                yield rx.redirect(CHAT_PATH, replace=True)

    async def _list_again(self, *, afresh: bool = False) -> None:
        self.list_failed = False
        async with self._talk(self._list_broke) as api:
            await self._list(self._tenant(api), afresh=afresh)

    async def _list(self, tenant: TenantClient, *, afresh: bool = False) -> None:
        """Read the first page. What was loaded beyond it stays, unless the list is made ``afresh``."""
        page = await tenant.conversations(q=self.query or None, limit=PAGE_ROWS)
        first = [self._view(conversation) for conversation in page.items]
        beyond = [] if afresh or page.next_cursor is None else self._beyond(first)
        if _lines([*first, *beyond]) != _lines(self.conversations):
            self.conversations.replace([*first, *beyond])
        if not beyond:
            self._continue_at(page.next_cursor)
        self.listed, self.list_failed = True, False
        self._name_tab()

    def _beyond(self, first: list[ConversationView]) -> list[ConversationView]:
        """The lines that come after the first page: they are older than its last one."""
        known = {one.id for one in first}
        return [one for one in self.conversations if one.id not in known and one.iso <= first[-1].iso]

    def _list_broke(self, notice: Notice) -> None:
        self.list_failed = not self.listed
        if self.listed and not self.api_down:
            self._tell(notice)

    def _continue_at(self, cursor: str | None) -> None:
        self._cursor, self.more = cursor or "", cursor is not None

    def _bring_up(self, conversation: Conversation) -> None:
        """Put a conversation that was just spoken in on top, unless a search is being shown."""
        if self.query:
            return
        line = self._view(msgspec.structs.replace(conversation, updated_at=datetime.now(UTC)))
        first = next(iter(self.conversations), None)
        if first is not None and first.id == line.id:
            self.conversations.update(line)
        else:
            self.conversations.remove(line.id)
            self.conversations.prepend(line)

    def _retitle(self, line: ConversationView, title: str) -> None:
        self.conversations.update(replace(line, title=title))
        if self.open_id == line.id:
            self.title = title
        self._name_tab()

    def _name_tab(self) -> None:
        """Titles are first questions, so that many are the same: then the time stands behind."""
        shown = self.conversations.get(self.open_id)
        alike = sum(one.title == self.title for one in self.conversations)
        self.tab_title = f"{self.title} · {shown.exact}" if shown is not None and alike > 1 else self.title

    def _view(self, conversation: Conversation) -> ConversationView:
        return conversation_view(conversation, datetime.now(UTC), words.zone(self._time_zone))


def _lines(views: Iterable[ConversationView]) -> list[ConversationView]:
    """The lines without what changes as time goes by."""
    return [replace(one, when="") for one in views]
