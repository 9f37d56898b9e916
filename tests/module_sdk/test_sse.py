"""The event stream parser against the format's own examples, and against itself under every way of cutting."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from module_sdk.api.sse import ServerEvent, SseOverflowError, SseParser
from tests.module_sdk.patience import PATIENT


def events_of(*chunks: bytes) -> list[ServerEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def event(data: str, *, name: str = "message", id: str = "") -> ServerEvent:  # noqa: A002 - the field's own name
    return ServerEvent(event=name, data=data, id=id)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        # The examples of the format's own text.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [event("first event", id="1"), event("second event"), event(" third event")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
        (b"data:test\n\ndata: test\n\n", [event("test"), event("test")]),
        # Line ends, the byte order mark, and ids.
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [event("a"), event("b"), event("c")]),
        (b"\xef\xbb\xbfdata: marked\n\n", [event("marked")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: twice\n\ndata: x\n\n", [event("x")]),
        (b"id: 7\ndata: a\n\ndata: b\n\n", [event("a", id="7"), event("b", id="7")]),
        (b"id: 7\n\nid: 8\x009\ndata: a\n\n", [event("a", id="7")]),
        # Names: exact, case-sensitive, reset after every event, also after one without data.
        (b"event: delta\ndata: a\n\ndata: b\n\n", [event("a", name="delta"), event("b")]),
        (b"event: delta\n\ndata: b\n\n", [event("b")]),
        (b"Data: no\nunknown: no\n data: no\ndata : no\ndata: yes\n\n", [event("yes")]),
        # Nothing but complete lines and events counts.
        (b"data: a\n", []),
        (b"data: a", []),
        (b": ping\n\n: ping\n\n", []),
        (b"\n\n\n", []),
        # Broken UTF-8 is replaced and harms nothing else.
        (b"data: \xff\n\ndata: \xe2\x82\n\n", [event("\ufffd"), event("\ufffd")]),
        ("data: größer 🚀\u2028x\x85y\n\n".encode(), [event("größer 🚀\u2028x\x85y")]),
    ],
)
def test_streams_of_the_format(stream: bytes, expected: list[ServerEvent]) -> None:
    assert events_of(stream) == expected
    assert events_of(*(stream[at : at + 1] for at in range(len(stream)))) == expected


FRAGMENTS = st.sampled_from(
    [
        b"data",
        b"id",
        b"event",
        b"retry",
        b":",
        b" ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\x00",
        b"\xef\xbb\xbf",
        b"7",
        b"\xff",
    ]
)


@PATIENT
@given(parts=st.lists(FRAGMENTS | st.binary(max_size=6), max_size=60), data=st.data())
def test_the_way_of_cutting_changes_nothing(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    whole, cut = SseParser(), SseParser()
    expected = whole.feed(stream)
    found = [event for start, end in pairwise(edges) for event in cut.feed(stream[start:end])]
    assert found == expected
    assert (cut.last_event_id, cut.retry_ms) == (whole.last_event_id, whole.retry_ms)


LINE_TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)


@PATIENT
@given(
    events=st.lists(st.tuples(LINE_TEXT.filter(bool), st.lists(LINE_TEXT, min_size=1, max_size=4)), max_size=5),
    line_end=st.sampled_from(["\n", "\r", "\r\n"]),
    size=st.integers(1, 7),
)
def test_what_is_written_is_read(events: list[tuple[str, list[str]]], line_end: str, size: int) -> None:
    blocks = [[f"event: {name}", *(f"data: {line}" for line in lines), ""] for name, lines in events]
    stream = "".join(line + line_end for block in blocks for line in block).encode()
    found = events_of(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert found == [event("\n".join(lines), name=name) for name, lines in events]


def test_an_event_is_given_out_with_its_last_byte() -> None:
    parser = SseParser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\r") == [event("a")]
    assert parser.feed(b"\ndata: b\n\n") == [event("b")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [("10", 10), ("0", 0), ("1x", None), ("-1", None), ("", None), ("\u0661", None), ("9" * 5000, None)],
)
def test_retry_takes_digits_alone(line: str, expected: int | None) -> None:
    parser = SseParser()
    parser.feed(f"retry: {line}\n".encode())
    assert parser.retry_ms == expected


def test_the_last_id_counts_without_data_but_not_before_the_empty_line() -> None:
    parser = SseParser()
    parser.feed(b"id: 5\n")
    assert parser.last_event_id == ""
    parser.feed(b"\n")
    assert parser.last_event_id == "5"


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200, b"data: xxxxxxxxx\n" * 20, b"data\n" * 200])
def test_memory_is_bounded(stream: bytes) -> None:
    parser = SseParser(max_event_chars=100)
    with pytest.raises(SseOverflowError):
        list(map(parser.feed, (stream[at : at + 1] for at in range(len(stream)))))


def test_the_bound_is_for_one_event_and_not_for_the_stream() -> None:
    parser = SseParser(max_event_chars=100)
    assert len(parser.feed(b"data: 0123456789\n\n" * 100)) == 100
