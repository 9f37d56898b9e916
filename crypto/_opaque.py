"""Base class of objects that hold key material."""

from typing import NoReturn


class Opaque:
    """Refuses pickling and copying, and shows nothing of itself in `repr` and `str`.

    Subclasses declare `__slots__`, so that there is no `__dict__` to dump either.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _refuse(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret: it cannot be pickled or copied")

    def __reduce__(self) -> NoReturn:
        self._refuse()

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        self._refuse()

    def __getstate__(self) -> NoReturn:
        # Python's default would hand out the slots, secrets included.
        self._refuse()

    def __copy__(self) -> NoReturn:
        self._refuse()

    def __deepcopy__(self, memo: object, /) -> NoReturn:
        self._refuse()
