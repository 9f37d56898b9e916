"""msgspec's refusals as field errors that a person can read, all of a body's at once."""

import re
from collections.abc import Callable
from typing import Any, Final, get_args

import msgspec

from module_sdk.api.base import FILLED_LINE, FILLED_PROSE
from module_sdk.api.identity import Email
from module_sdk.api.problems import FieldError
from module_sdk.api.tenants import Slug
from module_sdk.contract.text import LINE, PROSE

MAX_ERRORS: Final = 20
_PATH: Final = re.compile(r"^(?P<message>.*?)(?: - at (?P<key>key in )?`(?P<path>\$.*)`)?$", re.DOTALL)
_LENGTH: Final = re.compile(
    r"^Expected `(?P<kind>str|array|object|bytes)` of length (?P<bound><=|>=|==) (?P<count>\d+)$"
)
_NUMBER: Final = re.compile(r"^Expected `(?:int|float)` (?P<bound><=|>=|<|>) (?P<count>\S+)$")
_REGEX: Final = re.compile(r"^Expected `str` matching regex (?P<regex>.*)$", re.DOTALL)
_TYPE: Final = re.compile(r"^Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`$")
_FIELD: Final = re.compile(r"^Object (?P<fault>contains unknown|missing required) field `(?P<name>.*)`$", re.DOTALL)
_UNITS: Final = {"str": "character", "array": "item", "object": "entry", "bytes": "byte"}
_BOUNDS: Final = {"<=": "at most", ">=": "at least", "==": "exactly", "<": "less than", ">": "more than"}
_TYPES: Final = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "an object", "null": "null", "uuid": "a UUID", "datetime": "a date and time", "date": "a date",
}  # fmt: skip


def _pattern(annotated: Any) -> str:
    return next(meta.pattern for meta in get_args(annotated) if isinstance(meta, msgspec.Meta) and meta.pattern)


_PATTERNS: Final = {
    LINE: "Must be one line without control characters",
    PROSE: "Must not contain control characters",
    FILLED_LINE: "Must be one line in which something can be seen, without control characters",
    FILLED_PROSE: "Must hold something that can be seen, and no control characters",
    _pattern(Email): "Must be an e-mail address, such as ada@example.com",
    _pattern(Slug): "Must consist of lower-case letters, digits and single dashes",
}


def _length(found: re.Match[str]) -> str:
    count, unit = int(found["count"]), _UNITS[found["kind"]]
    if count == 1 and found["bound"] == ">=":
        return "Must not be empty"
    plural = unit if count == 1 else f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"
    return f"Must have {_BOUNDS[found['bound']]} {count} {plural}"


def _number(found: re.Match[str]) -> str:
    return f"Must be {_BOUNDS[found['bound']]} {found['count']}"


def _regex(found: re.Match[str]) -> str:
    return next((text for regex, text in _PATTERNS.items() if repr(regex) == found["regex"]), "Has the wrong form")


def _type(found: re.Match[str]) -> str:
    wanted = " or ".join(_TYPES.get(part, part) for part in found["expected"].split(" | "))
    got = "a number with decimals" if found["got"] == "float" else _TYPES.get(found["got"], found["got"])
    return f"Must be {wanted}, not {got}"


_SENTENCES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (_LENGTH, _length),
    (_NUMBER, _number),
    (_REGEX, _regex),
    (_TYPE, _type),
    (re.compile("^Invalid enum value"), lambda _: "Is not one of the accepted values"),
    (re.compile("^Invalid UUID$"), lambda _: "Must be a UUID"),
    (re.compile("^Invalid RFC3339"), lambda _: "Must be a date and time, such as 2026-01-15T09:30:00Z"),
)


def _readable(message: str) -> str:
    """A sentence for a message of msgspec; messages that it does not know stay as they are."""
    for pattern, sentence in _SENTENCES:
        if found := pattern.match(message):
            return sentence(found)
    return message[:200]


def field_error(error: msgspec.ValidationError, root: str = "$") -> FieldError:
    """The place and the reason of one refusal, its path beginning with ``root`` instead of ``$``."""
    found = _PATH.match(str(error))
    message, path = (found["message"], found["path"]) if found else (str(error), None)
    path = root + (path or "$")[1:]
    if field := _FIELD.match(message):
        name = field["name"][:100]
        reason = "Is required" if field["fault"] == "missing required" else "Is not a known field"
        return FieldError(path=f"{path}.{name}", message=reason)
    return FieldError(path=path, message=_readable(message))


def field_errors(body: Any, annotation: Any, first: msgspec.ValidationError) -> list[FieldError]:
    """Every field of ``body`` that ``annotation`` refuses, at most 20.

    msgspec stops at the first fault; for a Struct each field is therefore tried on its own. ``first`` is what it
    stopped at and is the answer where the fields alone show nothing.
    """
    if not (isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) and isinstance(body, dict)):
        return [field_error(first)]
    errors: list[FieldError] = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(annotation)}
    for name, field in fields.items():
        if name not in body:
            if field.required:
                errors.append(FieldError(path=f"$.{name}", message="Is required"))
            continue
        try:
            msgspec.convert(body[name], field.type)
        except msgspec.ValidationError as error:
            errors.append(field_error(error, f"$.{name}"))
    if annotation.__struct_config__.forbid_unknown_fields:
        unknown = [str(name)[:100] for name in body if name not in fields]
        errors += [FieldError(path=f"$.{name}", message="Is not a known field") for name in unknown]
    return errors[:MAX_ERRORS] or [field_error(first)]
