"""The operations of an OpenAPI document, as tests go through them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    spec: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def key(self) -> str:
        return str(self.spec["operationId"])

    @property
    def public(self) -> bool:
        return not self.spec["security"]

    @property
    def body(self) -> dict[str, Any] | None:
        """The media type object of the body, if the operation reads one."""
        content: dict[str, Any] = self.spec.get("requestBody", {}).get("content", {})
        return content.get("application/json")

    @property
    def statuses(self) -> set[int]:
        return {int(status) for status in self.spec["responses"]}

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [parameter for parameter in self.spec.get("parameters", []) if parameter["in"] == place]

    def at(self, values: dict[str, str], otherwise: str) -> str:
        """The path with its parameters filled in."""
        return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], otherwise), self.path)

    def codes(self, status: int) -> set[str]:
        """The codes that the document lists for a status."""
        content = self.spec["responses"].get(str(status), {}).get("content", {})
        return set(content.get("application/problem+json", {}).get("examples", {}))


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield Operation(method.upper(), path, methods[method])
