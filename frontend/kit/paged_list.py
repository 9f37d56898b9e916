"""Lists that grow: of a long list only what changed is sent to the browser.

Reflex sends a variable whole whenever it changes. A paged list therefore lies in several variables of its state, each
with a stretch of it (usually a page), and one more says in which order they follow. Declare it with the type of its
rows, and give the state the decorator::

    @with_paged_lists
    class MembersState(SessionState):
        members = PagedList(MemberView, key="user_id")

In an event handler ``self.members`` is a :class:`Rows`; in a page ``MembersState.members`` is one list to be shown
with ``rx.foreach``.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final, Generic, TypeVar, overload

import reflex as rx
from reflex.state import BaseState
from reflex_base.vars import VarData

#: Stretches of one list. When they are used up, the smallest neighbours become one, so that a list of any length costs
#: a few times its rows in all.
STRETCHES: Final = 12

T = TypeVar("T")
S = TypeVar("S", bound=BaseState)


class PagedList(Generic[T]):
    """Declares a paged list of ``row``, a frozen dataclass whose field ``key`` names each one."""

    def __init__(self, row: type[T], *, key: str = "id") -> None:
        self.row = row
        self.key = key
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        """Learn under which name the list was declared."""
        self.name = name

    @overload
    def __get__(self, state: None, owner: type) -> rx.Var[list[T]]: ...

    @overload
    def __get__(self, state: BaseState, owner: type) -> "Rows[T]": ...

    def __get__(self, state: BaseState | None, owner: Any) -> Any:
        """The rows of a state; for the class, one variable with all of them."""
        return Rows(self, state) if state is not None else self._whole(owner)

    def stretch(self, slot: int) -> str:
        """The variable of a stretch."""
        return f"{self.name}_{slot}"

    @property
    def order(self) -> str:
        """The variable that says which stretches are in use, first to last."""
        return f"{self.name}_order"

    def _whole(self, owner: Any) -> rx.Var[list[T]]:
        stretches = [getattr(owner, self.stretch(slot)) for slot in range(STRETCHES)]
        order = getattr(owner, self.order)
        data = VarData.merge(*(one._get_all_var_data() for one in (order, *stretches)))
        listed = ", ".join(map(str, stretches))
        return rx.Var(f"{order!s}.flatMap((slot) => [{listed}][slot])", _var_data=data).to(list[self.row])  # type: ignore[name-defined]  # a type known at run time


def with_paged_lists(state: type[S]) -> type[S]:
    """Give ``state`` the variables of the paged lists that it declares."""
    for declared in [one for one in vars(state).values() if isinstance(one, PagedList)]:
        state.add_var(declared.order, list[int], [])
        for slot in range(STRETCHES):
            state.add_var(declared.stretch(slot), list[declared.row], [])  # type: ignore[name-defined]  # as above
    return state


class Rows(Generic[T]):
    """The rows of one list in one state, in the order in which they are shown. No key is ever there twice."""

    def __init__(self, declared: PagedList[T], state: BaseState) -> None:
        self._list = declared
        self._state = state

    def __iter__(self) -> Iterator[T]:
        """Every row, first to last."""
        for slot in self._order:
            yield from self._stretch(slot)

    def __len__(self) -> int:
        """How many rows there are."""
        return sum(len(self._stretch(slot)) for slot in self._order)

    def get(self, key: str) -> T | None:
        """The row called ``key``."""
        return next((row for row in self if self._key(row) == key), None)

    def replace(self, rows: Iterable[T]) -> None:
        """Show these rows and no others."""
        for slot in self._order:
            if slot:
                self._put(slot, [])
        self._put(0, list(rows))
        self._set_order([0] if self._stretch(0) else [])

    def clear(self) -> None:
        """Show no row."""
        self.replace([])

    def append(self, *rows: T) -> None:
        """Add rows at the end; those that are there already stay as they are."""
        if fresh := self._unknown(rows):
            slot = self._free_slot()
            self._put(slot, fresh)
            self._set_order([*self._order, slot])

    def prepend(self, *rows: T) -> None:
        """Add rows at the beginning; those that are there already stay as they are."""
        if fresh := self._unknown(rows):
            slot = self._free_slot()
            self._put(slot, fresh)
            self._set_order([slot, *self._order])

    def update(self, row: T) -> bool:
        """Put ``row`` in the place of the one with its key; false if there is none."""
        key = self._key(row)
        return self._change(key, [row])

    def remove(self, key: str) -> bool:
        """Take the row called ``key`` away; false if there is none."""
        return self._change(key, [])

    def _change(self, key: str, instead: list[T]) -> bool:
        for slot in self._order:
            rows = self._stretch(slot)
            if any(self._key(row) == key for row in rows):
                kept = [new for row in rows for new in ([row] if self._key(row) != key else instead)]
                self._put(slot, kept)
                if not kept:
                    self._set_order([one for one in self._order if one != slot])
                return True
        return False

    def _unknown(self, rows: Iterable[T]) -> list[T]:
        known = {self._key(row) for row in self}
        return [row for row in rows if self._key(row) not in known]

    def _free_slot(self) -> int:
        order = self._order
        if len(order) == STRETCHES:
            left, right = min(pairwise(order), key=lambda pair: sum(len(self._stretch(slot)) for slot in pair))
            self._put(left, [*self._stretch(left), *self._stretch(right)])
            self._put(right, [])
            self._set_order([slot for slot in order if slot != right])
            return right
        return next(slot for slot in range(STRETCHES) if slot not in order)

    def _key(self, row: T) -> str:
        return str(getattr(row, self._list.key))

    @property
    def _order(self) -> list[int]:
        return list(self._state.get_value(self._list.order))

    def _set_order(self, order: list[int]) -> None:
        if order != self._order:
            setattr(self._state, self._list.order, order)

    def _stretch(self, slot: int) -> list[T]:
        found: list[T] = self._state.get_value(self._list.stretch(slot))
        return found

    def _put(self, slot: int, rows: list[T]) -> None:
        setattr(self._state, self._list.stretch(slot), rows)
