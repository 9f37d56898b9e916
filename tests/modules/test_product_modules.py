"""The product's own modules keep the contract that other authors' modules are held to."""

import pytest

from backend.registry import modules
from module_sdk.contract.kinds import AnyModule
from module_sdk.testing import check_module_async


@pytest.mark.parametrize("module", modules().modules(), ids=lambda module: module.capability.name)
async def test_module_conforms(module: AnyModule) -> None:
    await check_module_async(module)
    assert module.capability.name in {"csuite.ceo.chat", "csuite.board.meeting", "demo.metrics"}
