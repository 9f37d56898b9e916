"""`ocsuite audit`: verify a log in the database, or an exported one with nothing but the file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.commands import environment
from backend.commands.errors import Refused, run

if TYPE_CHECKING:
    from module_sdk.api.audit import AuditCheckpoint

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(help="Verify audit logs: that no entry was edited, removed, inserted, reordered or cut off.")
def audit() -> None:
    """The commands of the audit log."""


@audit.command(
    help="Verify the log of every company, or of one, as it stands in the database; or, with --export, a downloaded "
    "file, which needs neither database nor settings. Says in one line for each log whether it is intact, or "
    "what was done to which entry first. Changes nothing. Exit status 0: intact, 1: not."
)
@click.option("--tenant", metavar="ID|SLUG", help="One company alone.")
@click.option(
    "--checkpoint",
    "checkpoints",
    type=FILE,
    help="Checkpoints kept from earlier: what GET /audit/checkpoints answered, or one of its items.",
)
@click.option("--export", "exported", type=FILE, help="An NDJSON file that GET /audit/export gave.")
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="BASE64",
    help="With --export: believe this key alone, not those that the file names. May be repeated.",
)
def verify(tenant: str | None, checkpoints: Path | None, exported: Path | None, public_keys: tuple[str, ...]) -> None:
    """One way or the other."""
    if exported is not None:
        if tenant is not None:
            raise Refused("--tenant does not go with --export: the file says whose it is")
        intact = _verify_file(exported, checkpoints, public_keys)
    elif public_keys:
        raise Refused("--public-key goes with --export; in the database the installation's own keys count")
    else:
        intact = _verify_database(tenant, checkpoints)
    if not intact:
        raise SystemExit(1)


def _verify_database(tenant: str | None, checkpoints: Path | None) -> bool:
    settings, saved, verdicts = environment.settings(), _read(checkpoints), list[bool]()

    from backend.kernel.observe.logging import configure_logging
    from backend.operations.verify_audit import verify_logs

    configure_logging(settings.env)

    async def verified() -> None:
        verdicts.append(await verify_logs(settings, tenant, saved, click.echo, _progress))

    run(verified())
    return all(verdicts)


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _verify_file(exported: Path, checkpoints: Path | None, public_keys: tuple[str, ...]) -> bool:
    from backend.domains.audit.export_file import UnreadableExport, verify_export
    from crypto import VerifyKey

    try:
        pinned = [VerifyKey.from_base64(key) for key in public_keys]
        with exported.open("rb") as lines:
            report = verify_export(lines, pinned=pinned, checkpoints=_read(checkpoints))
    except UnreadableExport as error:
        raise click.ClickException(f"{exported.name}: {error}") from None
    except ValueError as error:
        raise Refused(str(error)) from None
    if report.fault is not None:
        fault = report.fault
        entry = fault.entry_id or "unknown"
        click.echo(f"{exported.name}: {fault.kind} at number {fault.seq}, entry {entry}: {fault.detail}")
        return False
    extent = "the whole chain" if report.complete else "a selection, each entry by itself"
    click.echo(
        f"{exported.name}: intact, {extent}: {report.entries - report.waiting} sealed up to number "
        f"{report.sealed_seq}, {report.waiting} waiting"
    )
    if not report.pinned:
        click.echo("The keys came from the file itself: name the one you know with --public-key.", err=True)
    return True


def _read(path: Path | None) -> "list[AuditCheckpoint]":
    """The checkpoints of a file."""
    import msgspec

    from module_sdk.api.audit import AuditCheckpoint
    from module_sdk.api.base import Page

    if path is None:
        return []
    content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=Page[AuditCheckpoint]).items
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # not a page: one checkpoint then
    try:
        return [msgspec.json.decode(content, type=AuditCheckpoint)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(f"{path.name} holds no checkpoints as GET /audit/checkpoints gives them") from None
