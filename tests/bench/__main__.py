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

BENCHES: Final = ("tenancy", "edges", "flood", "chat", "crypto", "audit", "web")
PACKAGES: Final = ("litestar", "uvicorn", "sqlalchemy", "asyncpg", "reflex", "aiohttp", "pynacl", "redis")
TABLE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
#: What stands in the way of a goal, and what would reach it: shown where it was missed, by words of the row.
OBSTACLES: Final = {
    "tenant query": "the policy verifies an HMAC once a statement, some 20 µs of server time. "
    "A context function in C would reach it, and is not to be had on managed Postgres.",
    "request for 20 rows": "the verification above, and the longer BEGIN, on top of SQLAlchemy's own 1 ms.",
    "request through": "the round trip of exact limits (about 37 µs of CPU) and the access line (19 µs). Counting in "
    "each process and settling every second would reach it and give up exactness.",
    "time to first token": "membership, company and the day's count are read before the model is asked, through "
    "SQLAlchemy (about 1 ms a statement on this machine). One statement past the ORM would come near the pass-through, "
    "which itself adds nearly 1 ms.",
    "resume": "membership and message are two transactions, and Redis a third trip.",
    "gated and audited": "the request is one insert, to which the gate adds a round trip and the entry a statement "
    "with rows in two tables and four indexes: about 1 ms of client and server on two shared cores. Sending entry "
    "and change in one statement, or keeping the gate's answer for a second, would narrow it; neither was tried.",
    "parallel audited writes": "as above, without the gate; nothing waits for anything else, it is plain work.",
    "Lighthouse": "the page opens a socket and fills itself from the server after the first paint, which the blank app "
    "does not. Prerendered skeletons of each page would narrow it.",
}
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
    notes = [f"- **{row['what']}**: {note}" for row in rows if (note := _note(row))]
    parts = [
        "# Benchmarks",
        "Written by `make bench`. Arms of a row are interleaved in one run; figures are medians of this machine.",
        _machine(),
        "\n".join([HEADER, *map(_line, rows)]),
        *(["## Notes", "\n".join(notes)] if notes else []),
    ]
    return "\n\n".join(parts) + "\n"


def _note(row: Mapping[str, Any]) -> str:
    missed = [] if row["reached"] else [why for begin, why in OBSTACLES.items() if begin in row["what"]]
    return " Missed: ".join([row["note"], *missed]).strip()


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
