"""Words for people out of problem documents."""

from collections.abc import Iterable

from module_sdk.wire.problems import Problem


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
