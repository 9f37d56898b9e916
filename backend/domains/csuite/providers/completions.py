"""Reads the body of a chat completion, as servers that call themselves OpenAI-compatible send it."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from backend.domains.csuite.providers.base import CutShort, Piece, Thinking
from backend.domains.csuite.providers.refusals import refusal
from backend.domains.csuite.providers.thoughts import ThoughtSplitter
from backend.kernel.errors import ProviderUnavailable
from module_sdk.api.csuite import CutOff
from module_sdk.api.sse import MAX_EVENT_CHARS, SseOverflowError, SseParser

_CUT_OFF: Final[dict[str, CutOff]] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
}
_FAILED: Final = frozenset({"error", "abort", "cancelled"})
_UNREADABLE: Final = (
    "The model provider sent nothing that can be read as an answer; "
    "if it does so again, the operator has to check LLM_BASE_URL."
)


class CompletionReader:
    """Takes the body in chunks cut anywhere, an event stream or a single document: what it can read it reads.

    ``finished`` once the model said why it ended, ``done`` once nothing else is to come.
    """

    def __init__(self) -> None:
        self.finished = False
        self.done = False
        self._parser = SseParser()
        self._splitter = ThoughtSplitter()
        self._body = bytearray()
        self._is_stream: bool | None = None
        self._said = False
        self._cut_off: CutOff | None = None

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that ``data`` brings; raises the problem of an error that was sent in place of more."""
        if self._is_stream is None:
            self._body += data
            begun = self._body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
            if not begun:
                return
            # No event stream begins so: it is the plain answer of a server that does not stream.
            self._is_stream, data = begun != b"{", bytes(self._body)
            self._body.clear()
        if self._is_stream:
            try:
                for event in self._parser.feed(data):
                    yield from self._documents(event.data, event.event)
            except SseOverflowError as error:
                raise ProviderUnavailable(_UNREADABLE) from error
        else:
            self._body += data
            if len(self._body) > MAX_EVENT_CHARS:
                raise ProviderUnavailable(_UNREADABLE)

    def end(self) -> Iterator[Piece]:
        """The last pieces, once the body has ended; raises ``ProviderUnavailable`` if the answer has not."""
        if not self._is_stream:
            yield from self._documents(self._body.decode("utf-8", "replace"), "message")
            self.finished = self.finished or self._said
            self._is_stream = not self.finished  # then it may be an event stream with a broken beginning
        if self._is_stream:
            yield from self.feed(bytes(self._body) + b"\n\n")
        yield from self._seen(self._splitter.end())
        if not self.finished:
            raise ProviderUnavailable("The answer broke off before its end; try again." if self._said else _UNREADABLE)
        if self._cut_off is not None:
            yield CutShort(self._cut_off)

    def _documents(self, text: str, event: str) -> Iterator[Piece]:
        """The document that an event holds or, where the empty line after each was forgotten, one in each line."""
        try:
            documents = [_decode(text)]
        except msgspec.DecodeError:
            documents = [_decode_or_none(line) for line in text.splitlines()]
        for document in documents:
            if document == "[DONE]":
                self.finished = self.done = True
            elif isinstance(document, dict) and not self.done:
                yield from self._document(document, event)

    def _document(self, document: dict[str, Any], event: str) -> Iterator[Piece]:
        error = document.get("error")
        if error or event == "error" or document.get("object") == "error":
            raise refusal(None, error or document)
        choices = document.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index") in (0, None):
                yield from self._seen(self._choice(choice))
                self._finish(choice.get("finish_reason"))
                return

    def _choice(self, choice: dict[str, Any]) -> Iterator[Piece]:
        said = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        if not isinstance(said, dict):
            return
        # Some send the same thought under both names.
        if thought := _text(said.get("reasoning_content")) or _text(said.get("reasoning")):
            yield Thinking(thought)
        content = said.get("content")
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, dict) and (thought := _text(part.get("thinking")) or _text(part.get("reasoning"))):
                yield Thinking(thought)
            else:
                yield from self._splitter.feed(_text(part))
        yield from self._splitter.feed(_text(said.get("refusal")))

    def _finish(self, reason: object) -> None:
        if not isinstance(reason, str) or reason.lower() in ("", "null", "none"):
            return
        if reason.lower() in _FAILED:
            raise refusal(None, None)
        self.finished = True
        self._cut_off = _CUT_OFF.get(reason.lower())

    def _seen(self, pieces: Iterator[Piece] | list[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            self._said = True
            yield piece


_decoder: Final = msgspec.json.Decoder()


def _decode(text: str) -> Any:
    return "[DONE]" if text.strip() == "[DONE]" else _decoder.decode(text)


def _decode_or_none(line: str) -> Any:
    """``None`` for a line that is broken."""
    try:
        return _decode(line)
    except msgspec.DecodeError:
        return None


def _text(value: object) -> str:
    """The text of a part, of parts, or of what holds them; empty if there is none."""
    match value:
        case str():
            return value
        case list():
            return "".join(_text(part) for part in value)
        case dict():
            return _text(value.get("text"))
        case _:
            return ""
