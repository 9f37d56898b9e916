"""LiteLLM's proxy as an arm: without a database, in an environment of its own that is made the first time."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.serving import ROOT, running
from tests.support.ports import reserved_port

VERSION: Final = "1.108.7"
_PLACE: Final = ROOT / ".build" / f"litellm-{VERSION}"


@contextmanager
def litellm(upstream: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Its chat completions, which ask ``upstream``, the base URL of a model: the address, and headers for it."""
    if not (_PLACE / "bin" / "litellm").exists():
        _install()
    config = folder / "litellm.json"  # JSON is YAML
    config.write_bytes(
        msgspec.json.encode(
            {
                "model_list": [
                    {
                        "model_name": "m",
                        "litellm_params": {"model": "openai/m", "api_base": upstream, "api_key": "benchmark"},
                    }
                ]
            }
        )
    )
    port = reserved_port()
    command = [str(_PLACE / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # Else it fetches a list of prices as it starts.
    key = f"sk-{secrets.token_hex(32)}"  # it refuses to start without one
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MASTER_KEY": key,
    }
    with (folder / "litellm.log").open("wb") as log, running(command, port, environment, log):
        yield f"http://127.0.0.1:{port}/v1/chat/completions", {"Authorization": f"Bearer {key}"}


def _install() -> None:
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(_PLACE)], check=True)
    python = str(_PLACE / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "--python", python, f"litellm[proxy]=={VERSION}"], check=True)
