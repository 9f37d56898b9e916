"""Words for people out of problem documents."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from module_sdk.api.problems import Problem

DENIED: Final = "permission_denied"
NOBODY: Final = "Nobody in the company can grant it at the moment."


def field_errors(problem: Problem, names: Iterable[str]) -> dict[str, str]:
    """The reasons that belong to fields of a form, by the field's name; others are left to the form as a whole."""
    known = set(names)
    found: dict[str, str] = {}
    for error in problem.errors:
        name = error.path.removeprefix("$.").partition(".")[0].partition("[")[0]
        if name in known:
            found.setdefault(name, sentence(error.message))
    return found


def sentence(text: str) -> str:
    """``text`` with a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def denied_words(problem: Problem) -> str:
    """Which permission it takes, who holds it, and who can grant it."""
    permission, roles, people = (problem.extra.get(name) for name in ("title", "roles", "people"))
    if not isinstance(permission, str):
        return problem.detail or problem.title
    text = f"It takes the permission “{permission}”"
    text += f", which comes with the role {one_of(roles)}. " if _names(roles) else ". "
    return text + (f"Ask {one_of(people)} for it." if _names(people) else NOBODY)


def one_of(names: Sequence[str] | Any, link: str = "or") -> str:
    """``A, B or C``."""
    found = _names(names)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {link} {found[-1]}" if found else ""


def _names(given: Any) -> list[str]:
    return [str(name) for name in given] if isinstance(given, list | tuple) else []
