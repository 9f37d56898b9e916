"""Runs the commands of the documents, in order and as they stand, against the running API; compares what they show."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from redis import Redis

from backend.devstack import LocalStack
from backend.devstack.postgres import binary
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring
from tests.docs.pages import HERE, Block, blocks, documents, name_of
from tests.support.process import process
from tests.support.server import running_api

#: Fields whose documented value is the actual one; of all others the kind is compared.
EXACT = {
    "code",
    "status",
    "type",
    "title",
    "step",
    "skipped",
    "executive",
    "metric",
    "path",
    "capability",
    "key",
    "kind",
}

#: Documents after which the product is not what others expect: this one rotates the master key.
ALONE = {"docs/security.md"}


def executed() -> list[Path]:
    return [page for page in documents() if any(HERE in block.runners for block in blocks(page))]


@contextmanager
def serving(stack: LocalStack, environment: dict[str, str], redis_database: int) -> Iterator[dict[str, str]]:
    """The variables of a terminal in which the product runs with an empty database."""
    assert stack.postgres is not None
    name = f"docs_{uuid4().hex}"
    stack.postgres.provision(name)
    variables = {**environment, **stack.environment(name, redis_database=redis_database)}
    settings = Settings.load(variables)
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushdb()  # demonstration companies have the same ids in every database
    asyncio.run(migrate(settings.database_owner_url, Keyring(settings.master_keys)))
    tools = [Path(sys.executable).parent, binary("psql").parent]
    path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
    with running_api(settings) as url:
        yield {**variables, "PATH": path, "API": url, "OCSUITE_API_URL": url}
    stack.postgres.drop_database(name)


@pytest.fixture(scope="module")
def shared(stack: LocalStack, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """One product with a worker for most documents: what one leaves behind is in no other's way."""
    with serving(stack, environment, 9) as variables, process("worker", variables):
        yield variables


@pytest.fixture
def product(
    page: Path, stack: LocalStack, environment: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[dict[str, str]]:
    """The variables of a terminal in which the product runs."""
    if name_of(page) not in ALONE:
        yield request.getfixturevalue("shared")
        return
    with serving(stack, environment, 8) as variables:
        yield variables


@pytest.mark.parametrize("page", executed(), ids=name_of)
def test_commands_do_what_the_document_shows(page: Path, product: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    found = blocks(page)
    script = ["set -euo pipefail"]
    for index, block in enumerate(found):
        if HERE in block.runners:
            script += [f"echo {index} > at", "{", bash(block), f"}} > {index}.out"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path, env=product, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    at = found[int((tmp_path / "at").read_text())]
    assert done.returncode == 0, f"{name_of(page)}, line {at.line}:\n{at.text}\n{done.stderr}"
    for index, (block, shown) in enumerate(zip(found, [*found[1:], None], strict=True)):
        if HERE in block.runners and shown is not None and shown.language in {"json", "text"} and not shown.note:
            compare(shown, (tmp_path / f"{index}.out").read_text(), f"{name_of(page)}, line {shown.line}")


def bash(block: Block) -> str:
    """The block; a command that is to fail is one that stops the script otherwise, which `!` alone does not."""
    return re.sub(
        r"^! (.+)$", r"if \1; then echo 'this was to fail: \1' >&2; exit 1; fi", block.text, flags=re.MULTILINE
    )


@pytest.mark.parametrize(("text", "status"), [("! false\necho on", 0), ("! true\necho on", 1), ("false\necho on", 1)])
def test_a_command_that_is_to_fail_has_to_fail(text: str, status: int) -> None:
    script = "set -euo pipefail\n{\n" + bash(Block("sh", text, 1, "")) + "\n}"
    assert subprocess.run(["bash", "-c", script], capture_output=True, check=False).returncode == status


@pytest.mark.parametrize(
    ("documented", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"code": "not_found"}, {"code": "forbidden"}),
        ({"items": [{"a": 1}]}, {"items": []}),
        ({"items": []}, {"items": [1]}),
        ({"a": None}, {"a": "x"}),
        ({"a": [{"b": "x"}]}, {"a": [{"b": 1}]}),
    ],
)
def test_a_document_that_shows_something_else_is_noticed(documented: Any, actual: Any) -> None:
    with pytest.raises(AssertionError):
        alike(documented, actual, "here")


@pytest.mark.parametrize("documented", ["broken, 3 sealed", "intact, 3 seale", "intact, … waiting"])
def test_a_text_that_shows_something_else_is_noticed(documented: str) -> None:
    with pytest.raises(AssertionError):
        compare(Block("text", documented, 1, ""), "intact, 3 sealed\n", "here")


def compare(shown: Block, output: str, where: str) -> None:
    if shown.language == "json":
        alike(msgspec.json.decode(shown.text), msgspec.json.decode(output), where)
        return
    if "event: " not in shown.text:
        form = re.escape(shown.text.strip()).replace("…", ".*")
        assert re.fullmatch(form, output.strip()), f"{where}:\n{output}"
        return
    documented, actual = (
        [name for name, _ in groupby(re.findall(r"^event: (.+)$", text, re.MULTILINE))] for text in (shown.text, output)
    )
    assert documented == actual, where


def alike(documented: Any, actual: Any, where: str, key: str = "") -> None:
    """The same fields everywhere, the same kinds of values, and the same values where that is promised."""
    where = f"{where}, {key}"
    if isinstance(documented, dict) and isinstance(actual, dict):
        assert documented.keys() == actual.keys(), where
        for name, value in documented.items():
            alike(value, actual[name], where, name)
    elif isinstance(documented, list) and isinstance(actual, list):
        assert bool(documented) == bool(actual), where
        for one, other in zip(documented, actual, strict=False):
            alike(one, other, where, key)
    elif key in EXACT:
        assert documented == actual, where
    else:
        assert type(documented) is type(actual), where
