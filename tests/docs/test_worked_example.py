"""The worked example of docs/multi-tenant-foundations.md, written into a copy of the repository, passes its tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from backend.kernel.db.rls_walk import find_faults
from backend.migrate import head
from backend.registry import declarations
from backend.settings import Settings
from tests.docs.pages import ROOT, Block, blocks
from tests.migrations.kit import connected

PAGE = ROOT / "docs/multi-tenant-foundations.md"
#: Of the documented tests those that look at the example: the others are run where they are.
CHOSEN = "notes or every_tenant_table or migrated_database or models_and_database or test_routes or test_documented"
COPIED = ("backend", "crypto", "migrations", "module_sdk", "tests", "pyproject.toml")


def example() -> dict[str, Block]:
    """What the document shows of each file, by the path that the paragraph above it begins with."""
    shown = [block for block in blocks(PAGE) if block.language in {"python", "diff"}]
    return {found[1]: block for block in shown if (found := re.match(r"`([\w/]+\.py)`", before(block)))}


def before(block: Block) -> str:
    """The paragraph above a block."""
    return "\n".join(PAGE.read_text().splitlines()[: block.line - 1]).rstrip().rpartition("\n\n")[2]


def changed(text: str, diff: str) -> str:
    """``text`` with the lines that a diff adds; its other lines are found one after another, ``…`` skips some."""
    lines, at, waiting = text.splitlines(), 0, list[str]()
    together = False  # whether the line before in the diff is the one at ``at - 1``
    for line in diff.splitlines():
        if line.startswith("+"):
            if together:
                lines.insert(at, line[1:])
                at += 1
            else:
                waiting.append(line[1:])
        elif line.strip() == "…":
            together = False
        else:
            at = lines.index(line[1:], at)
            lines[at:at] = waiting
            at, waiting, together = at + len(waiting) + 1, [], True
    assert not waiting
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The example's files, its migration after the newest one."""
    found = {}
    for path, block in example().items():
        shown = changed((ROOT / path).read_text(), block.text) if block.language == "diff" else block.text + "\n"
        found[path] = re.sub(r'^down_revision = ".*"', f'down_revision = "{head()}"', shown, flags=re.MULTILINE)
    return found


def test_its_tests_pass_in_a_copy_of_the_repository(files: dict[str, str], tmp_path: Path) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (command,) = re.findall(r"^\.venv/bin/pytest (.+)$", PAGE.read_text(), re.MULTILINE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *command.split(), "-k", CHOSEN],
        cwd=tmp_path, env=clean, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout[-400:]


async def test_the_walk_names_what_its_migration_leaves_out(files: dict[str, str], settings: Settings) -> None:
    (migration,) = (text for path, text in files.items() if path.startswith("migrations/"))
    shown = next(block.text for block in blocks(PAGE) if before(block).endswith("the walk says so:"))
    careless = re.sub(r"^    rls\.tenant_table\(.*\n", "", migration, flags=re.MULTILINE)
    assert careless != migration
    found = []
    for text in (migration, careless):
        async with connected(settings.database_owner_url) as connection:
            await connection.run_sync(upgrade, text)
            found.append([str(fault) for fault in await find_faults(connection, declarations().guarded_tables)])
    assert found == [[], shown.splitlines()]


def upgrade(connection: Connection, migration: str) -> None:
    """Run a migration's text on a connection."""
    names: dict[str, object] = {}
    exec(migration, names)
    with Operations.context(MigrationContext.configure(connection)):
        step = names["upgrade"]
        assert callable(step)
        step()
