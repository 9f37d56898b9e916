"""`ocsuite audit verify` as scripts see it: one line for each log, and the exit status."""

import asyncio
import re
from pathlib import Path

import msgspec
import pytest

from backend.domains.audit.exporting import Exporter
from backend.domains.audit.repository import EntryFilter
from backend.kernel.db.tenancy import TenantContext
from backend.operations.errors import OperationRefused
from backend.operations.verify_audit import verify_logs
from backend.settings import Settings
from module_sdk.api.base import Page
from tests.audit.kit import Log, Parts
from tests.support.process import command


async def run(folder: Path, environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of `ocsuite audit verify`."""
    done = await asyncio.to_thread(command, environ, "audit", "verify", *arguments, folder=folder)
    return done.returncode, done.stdout, done.stderr


async def said(settings: Settings, wanted: str | None, *saved: object) -> tuple[bool, list[str]]:
    lines = list[str]()
    intact = await verify_logs(settings, wanted, saved, lines.append, lines.append)  # type: ignore[arg-type]
    return intact, lines


async def test_in_the_database(parts: Parts, settings: Settings, environment: dict[str, str], tmp_path: Path) -> None:
    log, other = await (await parts.log()).sealed(3, 2), await (await parts.log()).sealed(1)
    slug = f"a-{log.tenant_id.hex}"
    await log.append(1)
    status, out, _ = await run(tmp_path, environment, "--tenant", slug)
    assert (status, out) == (0, f"{slug}: intact, 5 sealed, 1 waiting\n")
    await log.tamper(
        "UPDATE audit_logs SET meta = '{}' WHERE tenant_id = :tenant AND id = "
        "(SELECT audit_log_id FROM audit_seals WHERE tenant_id = :tenant AND seq = 2)"
    )
    status, out, _ = await run(tmp_path, environment, "--tenant", str(log.tenant_id))
    assert status == 1
    assert re.fullmatch(rf"{slug}: edited at number 2, entry [0-9a-f-]{{36}}: the entry is .+\n", out), out
    intact, lines = await said(settings, None)
    assert not intact
    assert [line for line in lines if line.startswith(f"a-{other.tenant_id.hex}")] == [
        f"a-{other.tenant_id.hex}: intact, 1 sealed, 0 waiting"
    ]
    assert any(line.startswith(f"{slug}: edited at number 2") for line in lines)


async def test_against_a_checkpoint_kept_elsewhere(parts: Parts, environment: dict[str, str], tmp_path: Path) -> None:
    log, other = await (await parts.log()).sealed(3, 2), await (await parts.log()).sealed(1)
    saved = await log.seen()
    page = tmp_path / "checkpoints.json"
    page.write_bytes(msgspec.json.encode(Page(items=[saved])))
    await log.forget_witness()
    await log.tamper(
        "DELETE FROM audit_seals WHERE tenant_id = :tenant AND seq > 3",
        "INSERT INTO audit_pending SELECT :tenant, id FROM audit_logs l WHERE l.tenant_id = :tenant AND "
        "NOT EXISTS (SELECT FROM audit_seals s WHERE s.audit_log_id = l.id)",
    )
    tenant = ("--tenant", str(log.tenant_id))
    assert (await run(tmp_path, environment, *tenant))[0] == 0
    app_alone = {name: value for name, value in environment.items() if name != "DATABASE_OWNER_URL"}
    for content in (page.read_bytes(), msgspec.json.encode(saved)):
        page.write_bytes(content)
        status, out, _ = await run(tmp_path, app_alone, *tenant, "--checkpoint", "checkpoints.json")
        assert (status, out.startswith(f"{log.tenant_id}: cut_off at number 4")) == (1, True), out
    with pytest.raises(OperationRefused, match="of another company"):
        await said(Settings.load(app_alone), str(other.tenant_id), saved)
    with pytest.raises(OperationRefused, match="name the company by its id"):
        await said(Settings.load(app_alone), None)
    with pytest.raises(OperationRefused, match="there is no company 'nobody'"):
        await said(Settings.load(environment), "nobody")


async def test_a_file_needs_nothing_else(parts: Parts, tmp_path: Path) -> None:
    log = await (await parts.log()).sealed(3, 2)
    await export(log, tmp_path / "audit.ndjson")
    (key,) = (await parts.verifications.keys()).published
    pinned = ("--export", "audit.ndjson", "--public-key", key.public_key)
    intact = (0, "audit.ndjson: intact, the whole chain: 5 sealed up to number 5, 1 waiting\n", "")
    assert await run(tmp_path, {}, *pinned) == intact
    status, _, err = await run(tmp_path, {}, "--export", "audit.ndjson")
    assert (status, err) == (0, "The keys came from the file itself: name the one you know with --public-key.\n")
    content = (tmp_path / "audit.ndjson").read_bytes()
    for changed, status, expected in (
        (content.replace(b"role:1", b"role:7"), 1, "audit.ndjson: edited at number 2, entry "),
        (b"".join(content.splitlines(keepends=True)[:-1]), 1, "audit.ndjson: cut_off at number 6, entry unknown: "),
        (b"nothing", 1, "Error: audit.ndjson: line 1 "),
    ):
        (tmp_path / "audit.ndjson").write_bytes(changed)
        found, out, err = await run(tmp_path, {}, *pinned)
        assert (found, (out + err).startswith(expected)) == (status, True), out + err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--export", "f", "--tenant", "acme"), "--tenant does not go with --export"),
        (("--public-key", "x"), "--public-key goes with --export"),
        (("--export", "f", "--public-key", "x"), "a public key is 32 bytes in base64"),
        (("--export", "f", "--checkpoint", "f"), "f holds no checkpoints"),
    ],
)
async def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    (tmp_path / "f").write_text("{}")
    status, out, err = await run(tmp_path, {}, *arguments)
    assert (status, out) == (2, "")
    assert expected in err


async def export(log: Log, path: Path) -> None:
    """Write an export of a company's log."""

    async def permitted(_: TenantContext, __: str) -> bool:
        return True

    exporter = Exporter(log.parts.db, log.parts.keyring, permitted)
    content = await exporter.begin(TenantContext(log.tenant_id, None), EntryFilter(), "ndjson")
    path.write_bytes(b"".join([piece async for piece in content]))
