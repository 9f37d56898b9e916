"""What documents say about this repository is so: links, commands, settings, errors, policies."""

import re
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from alembic.script import ScriptDirectory

from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.kernel.errors import catalogue
from backend.settings import VARIABLES, Settings
from crypto import Keyring, generate_master_key, parse_master_keys
from migrations import rls
from tests.docs.pages import ROOT, SHELL, Block, anchors, blocks, documents, name_of
from tests.docs.settings_table import PAGE, written

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
SETTING = re.compile(r"\b(?:OCSUITE|DATABASE|REDIS|LLM|CLERK|OTEL)_[A-Z][A-Z_]*\b")
PICTURES = ROOT / "docs" / "pictures"
SOME_ID = UUID(int=7)


@pytest.mark.parametrize("page", documents(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for found in LINK.finditer(page.read_text()):
        target, _, fragment = found["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        aim = (page.parent / target).resolve() if target else page
        if aim.parent == PICTURES and not PICTURES.exists():
            continue  # `make pictures` has not run yet
        assert aim.exists(), f"{name_of(page)} links to {found['target']}"
        if fragment:
            assert fragment in anchors(aim), f"{name_of(page)} links to {found['target']}"


def shell_blocks() -> list[tuple[Path, Block]]:
    return [(page, block) for page in documents() for block in blocks(page) if block.language in SHELL]


@pytest.mark.parametrize(("page", "block"), shell_blocks(), ids=lambda v: name_of(v) if isinstance(v, Path) else v.line)
def test_commands_are_run_somewhere(page: Path, block: Block) -> None:
    where = f"{name_of(page)}, line {block.line}"
    if block.excused and page.name == "deploy.md":
        return  # what needs a machine of one's own, or containers
    assert block.runners, f"{where}: say in a comment above the block what runs it: <!-- run by FILE, … -->"
    texts = []
    for runner in block.runners:
        assert (ROOT / runner).is_file(), f"{where}: {runner} does not exist"
        texts.append((ROOT / runner).read_text())
    if "tests/docs/test_documents.py" in block.runners:
        return
    for line in re.sub(r"\\\n", " ", block.text).splitlines():
        words = line.split("#")[0].split()
        if words:
            # A script of ours is known by its path, a tool by its subcommand.
            name = words[0] if (ROOT / words[0]).is_file() and "/" in words[0] and len(words) > 2 else words[1]
            known = any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for text in texts)
            assert known, f"{where}: none of {block.runners} knows {name!r}"


@pytest.mark.parametrize("page", documents(), ids=name_of)
def test_settings_exist(page: Path) -> None:
    known = {variable.name for variable in VARIABLES}
    known |= set(SETTING.findall((ROOT / "deploy/staging/compose.yml").read_text()))
    assert set(SETTING.findall(page.read_text())) <= known


def test_the_table_of_settings_is_current() -> None:
    assert written(PAGE.read_text()) == PAGE.read_text(), "run: python -m tests.docs.settings_table"


def ini_blocks() -> list[Block]:
    return [block for page in documents() for block in blocks(page) if block.language == "ini"]


@pytest.mark.parametrize("block", ini_blocks(), ids=lambda block: block.text.splitlines()[0])
def test_examples_of_settings_load(block: Block) -> None:
    # A document shows no secret that works: nobody can forget to replace one.
    secrets = {
        "DATABASE_URL": "postgresql://ocsuite_app:a-secret@127.0.0.1/ocsuite",
        "REDIS_URL": "redis://:a-secret@127.0.0.1/0",
        "OCSUITE_MASTER_KEYS": generate_master_key("k1"),
        "LLM_API_KEY": "a-secret",
    }
    example = dict(line.split("=", 1) for line in block.text.splitlines())
    assert example.keys() <= {variable.name for variable in VARIABLES}
    Settings.load(secrets | {name: value for name, value in example.items() if "…" not in value})


def test_every_error_is_listed_with_its_status() -> None:
    for page in (ROOT / "backend/domains").glob("*/errors.py"):
        import_module(".".join(page.relative_to(ROOT).with_suffix("").parts))  # adds its codes to the catalogue
    text = (ROOT / "docs/api.md").read_text().partition("<!-- errors: checked against backend.kernel.errors -->")[2]
    listed: dict[str, set[int]] = {}
    for line in text.partition("\n\n")[0].splitlines()[3:]:
        _, statuses, codes, _ = line.split("|", 3)
        for code in re.findall(r"`([a-z_]+)`", codes):
            listed.setdefault(code, set()).update(int(status) for status in statuses.split(","))
    known = {code: kind for code, kind in catalogue().items() if kind.__module__.startswith("backend.")}
    assert listed.keys() == known.keys()
    for code, kind in known.items():
        assert kind.default_status in listed[code], code


def test_policies_are_quoted_as_migrations_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    monkeypatch.setattr(rls, "execute", lambda *found: statements.extend(found))
    for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions("base", "heads"):
        script.module.upgrade()
    written = {" ".join(statement.split()) for statement in statements}
    quoted = [block.text for block in blocks(ROOT / "docs/security.md") if block.language == "sql"]
    documented = {" ".join(statement.split()) for statement in "".join(quoted).split(";") if statement.strip()}
    assert documented <= written
    assert sum("CREATE POLICY" in statement for statement in documented) == 3


def test_the_context_has_the_documented_parts() -> None:
    text = (ROOT / "docs/security.md").read_text()
    form = re.search(r"^ocsuite\.context = (v2\..+)$", text, re.MULTILINE)
    assert form is not None
    signer = ContextSigner(Keyring(parse_master_keys(generate_master_key("k1"))), lambda: 1_000_000.0)
    tenant = TenantContext(tenant_id=SOME_ID, user_id=SOME_ID, api_key_id=SOME_ID)
    parts = dict(zip(form[1].split("."), signer.sign(tenant, 77).split("."), strict=True))
    assert parts["<key id>"] == "k1"
    assert parts["<tenant>"] == parts["<user>"] == parts["<api key>"] == SOME_ID.hex
    assert (parts["<expiry>"], parts["<backend>"], len(parts["<mac>"])) == ("1000060", "77", 64)


def test_the_index_of_decisions_is_complete() -> None:
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", (folder / "README.md").read_text(), re.MULTILINE)
    files = sorted(folder.glob("0*.md"))
    titles = [page.read_text().splitlines()[0].partition(": ")[2] for page in files]
    expected = [(page.name[:4], page.name, title) for page, title in zip(files, titles, strict=True)]
    assert listed == expected
