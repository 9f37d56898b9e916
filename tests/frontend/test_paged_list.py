"""Paged lists: what they hold, and how little of them is sent when they change."""

from dataclasses import dataclass, replace

import pytest
import reflex as rx
from reflex_base.utils.format import json_dumps

from frontend.kit.paged_list import STRETCHES, PagedList, Rows, with_paged_lists


@dataclass(frozen=True)
class Line:
    id: str = ""
    text: str = "x" * 500


@with_paged_lists
class PagedListState(rx.State):
    """A state of this test alone."""

    lines = PagedList(Line)


class PagedListSubstate(PagedListState):
    """One that uses its parent's list."""


@pytest.fixture
def state() -> PagedListState:
    return PagedListState(_reflex_internal_init=True)  # type: ignore[call-arg]  # as Reflex makes them


def page(number: int, rows: int = 50) -> list[Line]:
    return [Line(f"{number}-{row}") for row in range(rows)]


def sent(state: PagedListState) -> int:
    """The bytes of the update that is due, which is then done."""
    size = len(json_dumps(state.get_delta()))
    state._clean()  # type: ignore[no-untyped-call]  # Reflex's
    return size


def ids(rows: Rows[Line]) -> list[str]:
    return [row.id for row in rows]


def test_more_rows_are_sent_without_those_that_are_there(state: PagedListState) -> None:
    state.lines.replace(page(0))
    first = sent(state)
    for number in range(1, STRETCHES):
        state.lines.append(*page(number))
        assert sent(state) < first * 1.02
    assert ids(state.lines) == [row.id for number in range(STRETCHES) for row in page(number)]


def test_a_list_of_any_length_costs_a_few_times_its_rows(state: PagedListState) -> None:
    pages, total = 100, 0
    for number in range(pages):
        state.lines.append(*page(number))
        total += sent(state)
    assert len(state.lines) == pages * 50
    whole = len(json_dumps(list(state.lines)))
    assert total < whole * 6  # each page with all before it would be fifty times


def test_one_row_is_changed_removed_and_moved_without_the_others(state: PagedListState) -> None:
    for number in range(4):
        state.lines.append(*page(number))
    sent(state)
    one_page = len(json_dumps(page(0)))
    assert state.lines.update(replace(page(2)[7], text="changed"))
    assert sent(state) < one_page * 1.05
    found = state.lines.get("2-7")
    assert found is not None
    assert found.text == "changed"
    assert state.lines.remove("1-3")
    assert sent(state) < one_page * 1.05
    assert not state.lines.remove("1-3")
    assert not state.lines.update(Line("1-3"))
    state.lines.prepend(Line("new"), page(0)[0])
    assert sent(state) < one_page / 10
    assert ids(state.lines)[:2] == ["new", "0-0"]
    state.lines.append(page(0)[0])
    assert sent(state) < 100
    assert len(state.lines) == 200


def test_replaced_and_cleared_lists_keep_no_row(state: PagedListState) -> None:
    state.lines.append(*page(0))
    state.lines.prepend(*page(1))
    state.lines.replace(page(7, rows=2))
    assert ids(state.lines) == ["7-0", "7-1"]
    update = json_dumps(state.get_delta())
    assert "0-1" not in update
    assert "1-1" not in update
    state.lines.remove("7-0")
    state.lines.remove("7-1")
    assert len(state.lines) == 0
    state.lines.append(*page(3))
    state.lines.clear()
    assert not list(state.lines)
    state.lines.append(*page(3))
    state.reset()  # type: ignore[no-untyped-call]  # Reflex's
    assert not list(state.lines)


def test_a_substate_uses_its_parents_list(state: PagedListState) -> None:
    below = state.substates[PagedListSubstate.get_name()]
    assert isinstance(below, PagedListSubstate)
    below.lines.append(*page(0))
    assert ids(state.lines) == ids(below.lines) == [row.id for row in page(0)]
    assert str(PagedListSubstate.lines) == str(PagedListState.lines)
