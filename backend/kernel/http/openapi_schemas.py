"""Schemas and examples of the OpenAPI document, from msgspec itself: what it decodes is what the document says.

Litestar's own schemas lose what msgspec checks inside lists and unions, and that unknown fields are refused.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from msgspec import inspect as types

from backend.kernel.http.traits import traits_of
from module_sdk.api.base import Reply
from module_sdk.api.problems import FieldError, Problem

REF: Final = "#/components/schemas/{name}"

Schema = dict[str, Any]

_PAGE: Final = re.compile(r"\bPage_(\w+)_$")
_PAGE_TITLE: Final = re.compile(r"^Page\[(\w+)\]$")
_BY_FORMAT: Final = {
    "uuid": "019377d2-a1b8-7c3c-9d1f-0c2b5e6a7f80",
    "date-time": "2026-01-15T09:30:00Z",
}
_BY_TYPE: Final[Mapping[str, Any]] = {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def body_type(handler: HTTPRouteHandler) -> Any | None:
    """What a handler reads, ``None`` if it reads no body."""
    data = handler.parsed_fn_signature.parameters.get("data")
    return None if data is None else data.annotation


def reply_type(handler: HTTPRouteHandler) -> Any | None:
    """What a handler answers with as JSON, ``None`` for an empty answer or a stream."""
    returned = handler.parsed_fn_signature.return_type
    if returned.is_subclass_of(Response) and not streams(handler):
        returned = returned.inner_types[0]
    return None if returned.annotation in {None, type(None)} or streams(handler) else returned.annotation


def streams(handler: HTTPRouteHandler) -> bool:
    """Whether a handler answers with an event stream."""
    return handler.parsed_fn_signature.return_type.is_subclass_of(Stream)


class Contracts:
    """The components of every type that some handlers read and write, and references to them."""

    def __init__(self, handlers: Iterable[HTTPRouteHandler]) -> None:
        self._types: list[Any] = [Problem, FieldError]
        for handler in handlers:
            extra = [spec.data_container for spec in (handler.responses or {}).values()]
            found = [body_type(handler), reply_type(handler), *extra, *traits_of(handler).events.values()]
            self._types += [kind for kind in found if kind is not None and kind not in self._types]
        references, components = msgspec.json.schema_components(self._types, ref_template=REF)
        self._references = [_page_named(reference) for reference in references]
        structs = {_title(struct.cls): struct for struct in _structs(types.multi_type_info(self._types))}
        self.components: dict[str, Schema] = {}
        for name, component in sorted(components.items()):
            _complete(component, structs[component["title"]])
            self.components[_PAGE.sub(r"\1Page", name)] = _page_named(component)

    def reference(self, kind: Any) -> Schema:
        """The schema of ``kind``, by reference."""
        return dict(self._references[self._types.index(kind)])

    def media(self, kind: Any) -> Schema:
        """Schema and example, as a media type object holds them."""
        return {"schema": self.reference(kind), "example": self.example(self.reference(kind))}

    def stream_media(self, events: Mapping[str, Any]) -> Schema:
        """The media type object of a stream of named events; before OpenAPI 3.2 its schema is that of one event."""
        alternatives, examples = [], {}
        for number, (name, kind) in enumerate(events.items(), 1):
            data = {"type": "string", "contentMediaType": "application/json", "contentSchema": self.reference(kind)}
            properties = {"id": {"type": "string", "pattern": "^[1-9][0-9]*$"}, "event": {"const": name}, "data": data}
            alternatives.append({"type": "object", "properties": properties, "required": list(properties)})
            example = msgspec.json.encode(self.example(self.reference(kind))).decode()
            examples[name] = {"value": {"id": str(number), "event": name, "data": example}}
        description = "One server-sent event; `id` counts from 1 without gaps, `data` is one line of JSON"
        return {"schema": {"description": description, "oneOf": alternatives}, "examples": examples}

    def example(self, schema: Schema) -> Any:
        """A value that ``schema`` accepts: the examples of its fields, or else something plain."""
        match schema:
            case {"$ref": reference}:
                return self.example(self.components[reference.rpartition("/")[2]])
            case {"examples": [example, *_]} | {"enum": [example, *_]}:
                return example
            case {"anyOf": [alternative, *_]} | {"type": "array", "items": alternative}:
                found = self.example(alternative)
                return [found] if "items" in schema else found
            case {"type": "object"}:
                return {name: self.example(field) for name, field in schema.get("properties", {}).items()}
            case _:
                return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "")))


def _complete(component: Schema, struct: types.StructType) -> None:
    """What msgspec leaves out: formats and types of :func:`_refine`, and that a reply carries all of its fields."""
    component["description"] = inspect.cleandoc(component["description"]).replace("``", "`")
    component["title"] = _PAGE_TITLE.sub(r"\1Page", component["title"])
    for field in struct.fields:
        _refine(component["properties"][field.encode_name], field.type)
    if issubclass(get_origin(struct.cls) or struct.cls, Reply):
        component["required"] = [field.encode_name for field in struct.fields]
        for schema in component["properties"].values():
            schema.pop("default", None)


def _refine(schema: Schema, kind: types.Type) -> None:
    """Complete one schema in place: the format of moments, type of enumerations, patterns in JSON Schema's dialect."""
    if isinstance(kind, types.Metadata):
        kind = kind.type
    if isinstance(kind, types.UnionType):
        for part, inner in zip(schema["anyOf"], kind.types, strict=True):
            _refine(part, inner)
    elif isinstance(kind, types.ListType):
        _refine(schema["items"], kind.item_type)
    elif isinstance(kind, types.DateTimeType):
        schema["format"] = "date-time"
    elif isinstance(kind, types.LiteralType):
        schema["type"] = "string"
    if "pattern" in schema:
        # Python's "$" also matches before a last line feed, which this rules out; that of JSON Schema does not.
        schema["pattern"] = schema["pattern"].replace(r"$(?!\n)", "$")


def _structs(kinds: Iterable[Any]) -> Iterator[types.StructType]:
    """Every struct below some types, each once."""
    seen: set[Any] = set()
    pending = list(kinds)
    while pending:
        kind = pending.pop()
        if isinstance(kind, types.StructType):
            if kind.cls not in seen:
                seen.add(kind.cls)
                yield kind
                pending += [field.type for field in kind.fields]
        elif isinstance(kind, types.UnionType):
            pending += kind.types
        elif isinstance(kind, types.Metadata):
            pending.append(kind.type)
        elif isinstance(kind, types.ListType):
            pending.append(kind.item_type)
        elif isinstance(kind, types.DictType):
            pending.append(kind.value_type)


def _title(cls: Any) -> str:
    """A struct's title as msgspec writes it, with the arguments of a generic one."""
    name: str = cls.__name__
    return f"{name}[{', '.join(_title(argument) for argument in get_args(cls))}]" if get_args(cls) else name


def _page_named(node: Any) -> Any:
    """References to ``Page_Thing_`` become references to ``ThingPage``."""
    if isinstance(node, dict):
        named = {key: _page_named(value) for key, value in node.items()}
        if isinstance(reference := named.get("$ref"), str):
            named["$ref"] = _PAGE.sub(r"\1Page", reference)
        return named
    return [_page_named(item) for item in node] if isinstance(node, list) else node
