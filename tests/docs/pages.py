"""The documents, cut into what tests ask about."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SHELL = {"sh", "bash", "shell", "console"}
HERE = "tests/docs/test_documents.py"


class Block(NamedTuple):
    """A fenced block: its language and text, the line it begins at, and the comment right above it."""

    language: str
    text: str
    line: int
    note: str

    @property
    def runners(self) -> list[str]:
        """The files that run it, as its note says."""
        named = re.fullmatch(r"<!-- run by (?P<files>.+) -->", self.note)
        return named["files"].split(", ") if named else []

    @property
    def excused(self) -> bool:
        """Whether its note gives a reason why nothing can run it."""
        return re.fullmatch(r"<!-- not run: .{20,} -->", self.note) is not None


def documents() -> list[Path]:
    """Every document of the repository."""
    return [ROOT / "README.md", ROOT / "module_sdk" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """A document's path within the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Its fenced blocks, indented ones too."""
    found: list[Block] = []
    lines = page.read_text().splitlines()
    note, index = "", 0
    while index < len(lines):
        opened = re.match(r"( *)```(\w*)$", lines[index])
        if opened:
            indent, end = len(opened[1]), index + 1
            while lines[end].strip() != "```":
                end += 1
            text = "\n".join(line[indent:] for line in lines[index + 1 : end])
            found.append(Block(opened[2], text, index + 1, note))
            note, index = "", end + 1
            continue
        if lines[index].strip():
            note = lines[index].strip()
        index += 1
    return found


def anchors(page: Path) -> set[str]:
    """The fragments that its headings make."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
