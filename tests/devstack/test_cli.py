"""The `ocsuite` command as scripts see it: help, exit status, one line for what a person can mend."""

import os
import re
import shlex
import socket
from pathlib import Path

import pytest

from backend.cli import COMMANDS
from backend.devstack import LocalStack
from backend.settings import VARIABLES
from tests.support.process import Done, command

OWN = {variable.name for variable in VARIABLES}


def ocsuite(*arguments: str, folder: Path, **environ: str) -> Done:
    """Run the command in `folder` with no settings but those given."""
    clean = {name: value for name, value in os.environ.items() if name not in OWN}
    return command(clean | environ, *arguments, folder=folder)


def one_line(done: Done) -> str:
    """What a refused command said: one line on standard error and nothing else."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_help_names_every_command_and_the_exit_statuses(tmp_path: Path) -> None:
    done = ocsuite("--help", folder=tmp_path)
    assert done.returncode == 0
    assert all(re.search(rf"^  {name}\s", done.stdout, re.MULTILINE) for name in COMMANDS)
    assert "0 done, 1 failed, 2 wrong usage or wrong settings" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    done = ocsuite(name, "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 5
    assert list(tmp_path.iterdir()) == []


def test_version(tmp_path: Path) -> None:
    assert re.fullmatch(r"ocsuite, version \d+\.\d+\.\d+\n", ocsuite("--version", folder=tmp_path).stdout)


def test_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    done = ocsuite("fly", folder=tmp_path)
    assert done.returncode == 2
    assert "No such command 'fly'" in done.stderr


@pytest.mark.parametrize("name", ["api", "worker", "migrate", "doctor", "seed-demo", "rotate-master-key", "up"])
def test_wrong_setting_is_one_line(name: str, tmp_path: Path) -> None:
    said = one_line(ocsuite(name, folder=tmp_path, OCSUITE_API_PORT="eighty"))
    assert said == "ocsuite: OCSUITE_API_PORT: must be a whole number from 1 to 65535, not 'eighty'\n"


def test_missing_secret_is_one_line(tmp_path: Path) -> None:
    said = one_line(ocsuite("api", folder=tmp_path, OCSUITE_ENV="production", OCSUITE_WEB_ORIGINS="https://a.example"))
    assert said.startswith("ocsuite: DATABASE_URL: is not set.")


def test_file_named_env_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LLM_PROVIDER=local\nLLM_MODEL='from the file'\n")
    found = ocsuite("env", folder=tmp_path, LLM_PROVIDER="mock").stdout
    values = dict(line.split("=", 1) for line in shlex.split(found))
    assert values["LLM_PROVIDER"] == "mock"
    assert values["LLM_MODEL"] == "from the file"
    assert set(values) == OWN


def test_env_gives_what_the_stack_made(tmp_path: Path, stack: LocalStack) -> None:
    folder = str(stack.data_dir)
    url = ocsuite("env", "DATABASE_URL", folder=tmp_path, OCSUITE_DATA_DIR=folder)
    assert url.stdout == stack.environment()["DATABASE_URL"] + "\n"
    assert ocsuite("env", "REDIS_URL", folder=tmp_path, OCSUITE_DATA_DIR=folder, REDIS_URL="redis://mine").stdout == (
        "redis://mine\n"
    )


def test_env_refuses(tmp_path: Path, stack: LocalStack) -> None:
    folder = str(stack.data_dir)
    hosted = ocsuite("env", "DATABASE_URL", folder=tmp_path, OCSUITE_DATA_DIR=folder, OCSUITE_ENV="production")
    assert "works in local mode only" in one_line(hosted)
    assert "no setting" in one_line(ocsuite("env", "PATH", folder=tmp_path))
    never_started = ocsuite("env", "DATABASE_URL", folder=tmp_path)
    assert never_started.returncode == 1
    assert "start the local stack once" in never_started.stderr


def test_up_is_for_local_mode(tmp_path: Path) -> None:
    assert "is for local mode" in one_line(ocsuite("up", folder=tmp_path, OCSUITE_ENV="staging"))


@pytest.mark.parametrize(("name", "purpose"), [("OCSUITE_API_PORT", "the API"), ("OCSUITE_WEB_PORT", "the web app")])
def test_up_names_who_holds_its_port(tmp_path: Path, name: str, purpose: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        said = one_line(
            ocsuite("up", folder=tmp_path, **{"OCSUITE_API_PORT": "1", "OCSUITE_WEB_PORT": "1", name: port})
        )
    assert f"port {port} for {purpose} is in use by " in said
    assert f"(process {os.getpid()}); stop what uses it, or set {name}" in said
    assert list(tmp_path.iterdir()) == []


def test_up_needs_a_folder_that_it_can_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = ocsuite(
        "up", folder=tmp_path, OCSUITE_DATA_DIR="file/data", OCSUITE_API_PORT="18431", OCSUITE_WEB_PORT="18432"
    )
    assert "make it writable, or set OCSUITE_DATA_DIR to another" in one_line(done)


def test_up_with_a_database_of_ones_own_needs_its_owner_too(tmp_path: Path) -> None:
    assert "DATABASE_OWNER_URL" in one_line(ocsuite("up", folder=tmp_path, DATABASE_URL="postgresql://app:x@there/db"))


def test_migrate_goes_down_only_to_somewhere(tmp_path: Path, stack: LocalStack) -> None:
    done = ocsuite("migrate", "--down", folder=tmp_path, OCSUITE_DATA_DIR=str(stack.data_dir))
    assert "--down needs --to" in one_line(done)
    unknown = ocsuite("migrate", "--to", "nowhere", folder=tmp_path, OCSUITE_DATA_DIR=str(stack.data_dir))
    assert "nowhere" in one_line(unknown)


def test_migrate_without_a_server_fails_without_a_traceback(tmp_path: Path, stack: LocalStack) -> None:
    made = stack.environment() | {"DATABASE_OWNER_URL": "postgresql://ocsuite_owner:secret@127.0.0.1:9/ocsuite"}
    done = ocsuite("migrate", folder=tmp_path, **made)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the database cannot be migrated: ")
    assert "secret" not in done.stderr
