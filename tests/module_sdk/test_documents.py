"""The guide for authors: its code runs, its module conforms, its table of versions is the rule."""

import re
from pathlib import Path
from typing import Any

import pytest

from module_sdk import is_compatible
from module_sdk.api.client import ApiClient
from tests.module_sdk.fake_api import FakeApi
from tests.module_sdk.samples import TENANT
from tests.module_sdk.test_stream import CHAT, FRAMES, RESUME, stream

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "module-contract.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
ROWS = re.findall(r"^\| (\d\S*) \| (\d\S*) \| (yes|no) \|", GUIDE, re.MULTILINE)


@pytest.fixture(scope="module")
def guide() -> dict[str, Any]:
    """The names that are there after running the guide's code from top to bottom."""
    names: dict[str, Any] = {}
    for at, block in enumerate(CODE):
        exec(compile(block, f"module-contract.md, block {at + 1}", "exec"), names)
    return names


def test_the_module_of_the_guide_conforms(guide: dict[str, Any]) -> None:
    guide["test_goal_count"]()


async def test_the_client_of_the_guide_asks_and_listens(guide: dict[str, Any], fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(*FRAMES[:2], cut=True))
    fake.queue("GET", RESUME, stream(*FRAMES[2:]))
    assert await guide["ask"](fake.url, "tok", TENANT, "Where do we stand?") == "Grow fast."


@pytest.mark.parametrize(("provided", "required", "answers"), ROWS)
def test_the_table_of_versions(provided: str, required: str, answers: str) -> None:
    assert is_compatible(provided, required) is (answers == "yes")


def test_nothing_of_the_guide_was_missed() -> None:
    assert len(CODE) == 5
    assert len(ROWS) == 10


@pytest.mark.parametrize("page", ["docs/module-contract.md", "docs/decisions/0003-module-compatibility.md"])
def test_links_and_names_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)h][^)]*)\)", text):
        assert (ROOT / page).parent.joinpath(target).exists()
    for name in re.findall(r"`((?:tests|module_sdk)/[\w/.]+)`", text):
        assert (ROOT / name).exists()
