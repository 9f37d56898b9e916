"""`make bench`: runs every benchmark, one after the other, and writes docs/benchmarks.md."""

import importlib
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

BENCHES: Final = ("tenancy", "edges", "chat", "crypto", "web")
PACKAGES: Final = ("litestar", "uvicorn", "sqlalchemy", "asyncpg", "reflex", "openai", "pynacl", "redis")
TABLE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEADER: Final = (
    "| what | against | goal | ours | baseline | ratio | reached |\n| --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> int:
    """Run all, or those named as arguments (the table is then printed and not written)."""
    chosen = sys.argv[1:] or BENCHES
    rows: list[Mapping[str, Any]] = []
    for name in chosen:
        print(f"— {name}", flush=True)
        for row in importlib.import_module(f"tests.bench.bench_{name}").run():
            print(_line(row), flush=True)
            rows.append(row)
    document = _document(rows)
    if sys.argv[1:]:
        print(document)
    else:
        TABLE.write_text(document)
        print(f"written: {TABLE.name}")
    return 0


def _document(rows: list[Mapping[str, Any]]) -> str:
    notes = [f"- **{row['what']}**: {row['note']}" for row in rows if row["note"]]
    parts = [
        "# Benchmarks",
        "Written by `make bench`. Arms of a row are interleaved in one run; figures are medians of this machine.",
        _machine(),
        "\n".join([HEADER, *map(_line, rows)]),
        *(["## Notes", "\n".join(notes)] if notes else []),
    ]
    return "\n\n".join(parts) + "\n"


def _line(row: Mapping[str, Any]) -> str:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    figures = (_figure(row["ours"], row["unit"]), _figure(row["baseline"], row["unit"]))
    reached = "yes" if row["reached"] else "**no**"
    return f"| {row['what']} | {row['against']} | {row['goal']} | {figures[0]} | {figures[1]} | {ratio} | {reached} |"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _machine() -> str:
    memory = round(psutil.virtual_memory().total / 2**30)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    when = datetime.now(UTC)
    return (
        f"{when:%Y-%m-%d}, {os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, Postgres and Valkey embedded; {versions}."
    )


if __name__ == "__main__":
    sys.exit(main())
