"""The latest answer of the conversation being shown, as far as it has arrived."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from frontend import words
from frontend.features.chat.stream import Draft
from frontend.features.chat.thread_state import ThreadState
from frontend.features.chat.views import MessageView, PieceView, RefusalView, message_view
from frontend.kit import markdown
from frontend.kit.paged_list import PagedList, Rows, with_paged_lists
from frontend.platform.session import Notice
from module_sdk.api.csuite import Message, Started

#: Read aloud at the end of an answer; whoever wants the rest finds it in the page.
SPOKEN_CHARS: Final = 600
#: Of a thought in progress the page shows the end.
THOUGHT_CHARS: Final = 600
PENDING: Final = "pending"
#: Keys of questions that arrived; a browser that does not know that yet sends one again.
KEYS_KNOWN: Final = 20


@with_paged_lists
class AnswerState(ThreadState):
    """The latest answer stands here and not among the messages.

    What changes 20 times a second is then a state of its own, so that neither the list nor the older messages are sent
    or drawn again, and nothing is replaced when it ends. ``answer.blocks`` stays empty meanwhile: ``blocks`` has them.
    """

    answer: MessageView = MessageView()
    blocks = PagedList(PieceView)
    #: The block being written: what will not change of it, and the rest.
    parts = PagedList(PieceView)
    tail: str = ""
    thought: str = ""
    busy: bool = False
    stopping: bool = False
    #: The connection to the API is lost; it is being tried again.
    interrupted: bool = False
    announcement: str = ""
    #: The key of the question that the API took last; the browser keeps a question until then.
    acknowledged: str = ""
    refused: RefusalView = RefusalView()
    #: Why there is no new answer in place of the one that is shown.
    setback: RefusalView = RefusalView()

    #: Names the answer being followed; a follower whose name is gone leaves.
    _turn: str = ""
    _keys: list[str] = []
    _before: MessageView | None = None

    def _begin(self) -> str:
        """Make room for an answer; the name under which it is followed."""
        self._turn = secrets.token_urlsafe(8)
        self.busy, self.stopping, self.interrupted, self.loading = True, False, False, False
        self.refused, self.setback = RefusalView(), RefusalView()
        self.announcement = f"{self.executive.title} is answering."
        return self._turn

    def _begin_instead(self, shown: MessageView) -> None:
        """Write into the place of the answer that is shown."""
        self._put(shown, [])

    def _acknowledge(self, key: str) -> None:
        """Tell the browser that the API has the question."""
        if key not in self._keys:
            self._keys = [*self._keys[1 - KEYS_KNOWN :], key]
            self._count_down(None if self._left is None else self._left - 1)
        self.acknowledged = key

    def _show(self, draft: Draft) -> None:
        """Bring the page up to the draft, whose start was taken."""
        # Reflex sends what is assigned, even if it is as before.
        if draft.interrupted != self.interrupted:
            self.interrupted = draft.interrupted
        if (thought := draft.thought[-THOUGHT_CHARS:]) != self.thought:
            self.thought = thought
        if draft.ended is not None:
            self._take_end(draft.ended)
            return
        _bring_up(self.blocks, draft.blocks)
        _bring_up(self.parts, draft.parts)
        if draft.tail != self.tail:
            self.tail = draft.tail

    def _take_start(self, started: Started, *, asked: bool) -> None:
        now, where = datetime.now(UTC), words.zone(self._time_zone)
        if asked:
            self._settle()
            self.messages.append(message_view(started.question, now, where))
        self.answer = message_view(started.message, now, where)
        self.open_id, self.title = str(started.conversation.id), started.conversation.title
        self._bring_up(started.conversation)
        self._name_tab()

    def _take_end(self, message: Message) -> None:
        before, ended = self._before, message_view(message, datetime.now(UTC), words.zone(self._time_zone))
        self._finish()
        self.interrupted = False
        if message.status == "failed":
            self.announcement = f"The answer failed. {ended.error_title}"
            if before is not None and before.status != "failed":
                self._put_back(before)
                self.setback = RefusalView(title=ended.error_title, detail=ended.error_detail)
                return
        else:
            spoken = markdown.plain(message.content)
            cut = spoken if len(spoken) <= SPOKEN_CHARS else f"{spoken[:SPOKEN_CHARS].rsplit(' ', 1)[0]} …"
            verb = "was stopped" if message.status == "stopped" else "answered"
            self.announcement = f"{self.executive.title} {verb}: {cut}"
        self._put_back(ended)

    def _put_back(self, answer: MessageView) -> None:
        """Show an answer that is complete."""
        self._put(replace(answer, blocks=[]), answer.blocks)

    def _put(self, answer: MessageView, blocks: list[str]) -> None:
        self.answer, self.tail, self.thought = answer, "", ""
        _bring_up(self.blocks, blocks)
        _bring_up(self.parts, [])

    def _finish(self) -> None:
        self._turn, self._before, self.busy, self.stopping = "", None, False, False

    def _whole(self) -> MessageView:
        """The answer with its blocks."""
        return replace(self.answer, blocks=[one.html for one in self.blocks])

    def _lose(self, notice: Notice) -> None:
        """An answer that was begun cannot be followed. Where the API is away it is taken up again."""
        self.interrupted = self.api_down
        if self.api_down:
            return
        if self._before is not None:
            self._put_back(self._before)
            self.setback = RefusalView(title=notice.title, detail=notice.detail)
        else:
            self.answer = replace(self.answer, status="failed", error_title=notice.title, error_detail=notice.detail)

    def _open(self, conversation_id: str) -> None:
        self._turn_to(conversation_id)
        self._forget_answer()

    def _place(self, messages: list[MessageView], older: str | None) -> None:
        """Show ``messages``, the latest answer among them in its own place. ``older`` is where those before begin."""
        self._forget_answer()
        self._older_at(older)
        if messages and not messages[-1].mine:
            *messages, latest = messages
            self._put_back(latest)
        self.messages.replace(messages)

    def _catch_up(self, newest: list[MessageView], older: str | None) -> None:
        """Bring what is shown up to ``newest``, the last messages that there are, and send only what changed."""
        shown = [*self.messages, *([self._whole()] if self.answer.id else [])]
        known, told = {one.id for one in shown}, {one.id for one in newest}
        if not known & told:
            self._place(newest, older)
            return
        self._settle()
        start = next(index for index, one in enumerate(shown) if one.id in told)
        for gone in [one.id for one in shown[start:] if one.id not in told]:
            self.messages.remove(gone)
        for one in newest:
            if (same := self.messages.get(one.id)) is None:
                self.messages.append(one)
            elif replace(same, when="") != replace(one, when=""):
                self.messages.update(one)
        if not newest[-1].mine:
            self.messages.remove(newest[-1].id)
            self._put_back(newest[-1])

    def _settle(self) -> None:
        """Move the latest answer among the messages, before the next question."""
        if self.answer.id:
            self.messages.append(self._whole())
            self._put(MessageView(), [])

    def _forget_answer(self) -> None:
        self._finish()
        self._put(MessageView(), [])
        self.announcement, self.interrupted = "", False
        self.refused, self.setback = RefusalView(), RefusalView()


def _bring_up(shown: Rows[PieceView], html: list[str]) -> None:
    """Show these pieces; those that stand there already are not sent again."""
    known = [one.html for one in shown]
    pieces = [PieceView(str(number), one) for number, one in enumerate(html)]
    if known == html[: len(known)]:
        shown.append(*pieces[len(known) :])
    else:
        shown.replace(pieces)
