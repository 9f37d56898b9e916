"""The tests that the table of findings names are there."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`")


@cache
def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    missing, count = [], 0
    for line in (ROOT / "docs" / "findings.md").read_text(encoding="utf-8").splitlines():
        path = ""
        for match in NAMED.finditer(line):
            path, function = match[1] or path, match[2]
            if not path or not (match[1] or function):
                continue
            count += 1
            if not (ROOT / path).is_file() or (function and function not in _functions(path)):
                missing.append(match.group())
    assert missing == []
    assert count > 100
