"""The embedded servers: roles, durability, odd paths, refusals, and that nothing outlives its starter."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis import Redis

from backend.devstack import LocalStack, StackError, process
from backend.devstack.local import left_to_us, overlay

PATIENCE = 60
"""Seconds that a busy machine may take for what happens at once on an idle one."""


@pytest.fixture(scope="module")
def odd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Longer than a Unix socket's address may be, with blanks and quotes."""
    return tmp_path_factory.mktemp("odd") / 'it\'s a "data" folder' / ("long" * 30) / "data"


@pytest.fixture(scope="module")
def own_stack(odd_folder: Path) -> LocalStack:
    """A stack that was started and stopped once, holding a row and a key."""
    stack = LocalStack(odd_folder, throwaway=False)
    with stack:
        assert stack.postgres is not None
        assert stack.valkey is not None
        stack.postgres.psql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (42);", "ocsuite")
        with Redis.from_url(stack.valkey.url()) as redis:
            redis.set("kept", "yes")
    return stack


async def test_roles_have_exactly_the_rights_that_the_walls_need(stack: LocalStack) -> None:
    connection = await asyncpg.connect(stack.environment()["DATABASE_URL"])
    try:
        rows = await connection.fetch(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit, rolreplication "
            "FROM pg_roles WHERE rolname LIKE 'ocsuite_%' ORDER BY 1"
        )
        assert [tuple(row) for row in rows] == [
            ("ocsuite_app", False, False, False, False, False, False),
            ("ocsuite_owner", False, True, False, False, True, False),
        ]
        assert await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        assert await connection.fetchval("SELECT datdba::regrole::text FROM pg_database WHERE datname = 'ocsuite'") == (
            "ocsuite_owner"
        )
        for refused in ("CREATE TABLE public.mine (n int)", "CREATE SCHEMA mine", "CREATE TEMP TABLE mine (n int)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(refused)
    finally:
        await connection.close()


async def test_a_password_is_needed_and_must_be_right(stack: LocalStack) -> None:
    url = stack.environment()["DATABASE_URL"]
    right = url.split(":")[2].split("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(right, "wrong"))


def test_databases_are_copied_from_a_template(stack: LocalStack) -> None:
    assert stack.postgres is not None
    stack.postgres.create_database("copied", "template1")
    try:
        rights = stack.postgres.psql("SELECT datacl FROM pg_database WHERE datname = 'copied'")
        assert "ocsuite_app=c/" in rights
        assert "=Tc/" not in rights.replace("_owner=CTc/", "").replace("_app=c/", "")
    finally:
        stack.postgres.drop_database("copied")
    assert stack.postgres.psql("SELECT count(*) FROM pg_database WHERE datname = 'copied'").strip() == "0"


def test_a_second_start_keeps_data_ports_and_secrets(own_stack: LocalStack) -> None:
    before = own_stack.secrets_path.read_bytes()
    with own_stack:
        assert own_stack.postgres is not None
        assert own_stack.valkey is not None
        assert own_stack.postgres.psql("SELECT n FROM kept", "ocsuite").strip() == "42"
        with Redis.from_url(own_stack.valkey.url(), decode_responses=True) as redis:
            assert redis.get("kept") == "yes"
            assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert own_stack.secrets_path.read_bytes() == before


def test_secrets_are_private_and_do_not_show(own_stack: LocalStack) -> None:
    assert stat.S_IMODE(own_stack.secrets_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(own_stack.data_dir.stat().st_mode) == 0o700
    secrets = json.loads(own_stack.secrets_path.read_text())
    with own_stack:
        shown = repr(own_stack._secrets)
        assert own_stack.valkey is not None
        assert own_stack.postgres is not None
        for pid in (own_stack.valkey.pid, own_stack.postgres.pid):
            shown += " ".join(psutil.Process(pid).cmdline())
    shown += "".join(log.read_text() for log in own_stack.logs.iterdir())
    for name in ("superuser_password", "owner_password", "app_password", "valkey_password", "master_keys"):
        assert secrets[name] not in shown


def test_folder_serves_one_stack_at_a_time(own_stack: LocalStack) -> None:
    with own_stack, pytest.raises(StackError, match=f"already running .*process {os.getpid()}"):
        LocalStack(own_stack.data_dir).start()


def test_database_whose_secrets_are_gone_is_not_overwritten(own_stack: LocalStack) -> None:
    kept = own_stack.secrets_path.read_bytes()
    own_stack.secrets_path.unlink()
    try:
        with pytest.raises(StackError, match="missing but its database exists"):
            LocalStack(own_stack.data_dir).start()
        assert not own_stack.secrets_path.exists()
        own_stack.secrets_path.write_text("{")
        with pytest.raises(StackError, match="damaged"):
            LocalStack(own_stack.data_dir).start()
    finally:
        own_stack.secrets_path.write_bytes(kept)


def test_interrupted_initialisation_is_begun_again(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with LocalStack(tmp_path, throwaway=True, with_valkey=False) as stack:
        assert stack.postgres is not None
        assert stack.postgres.psql("SELECT 1").strip() == "1"


def test_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reason = r"cannot be used \(Not a directory\); make it writable, or set OCSUITE_DATA_DIR"
    with pytest.raises(StackError, match=reason):
        LocalStack(tmp_path / "file" / "data").start()


def test_taken_port_is_replaced(own_stack: LocalStack) -> None:
    with own_stack:
        taken = json.loads(own_stack.secrets_path.read_text())["valkey_port"]
    import socket

    with socket.create_server(("127.0.0.1", taken)), own_stack:
        assert own_stack.valkey is not None
        assert own_stack.valkey.port != taken
        assert f":{own_stack.valkey.port}/" in own_stack.environment()["REDIS_URL"]


def test_long_logs_are_put_aside(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "api.log").write_bytes(b"x" * 6_000_000)
    (tmp_path / "logs" / "web.log").write_bytes(b"short")
    stack = LocalStack(tmp_path)
    try:
        stack.prepare()
    finally:
        stack.stop()
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["api.log.1", "web.log"]


def test_servers_end_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib; from backend.devstack import LocalStack\n"
        "s = LocalStack(pathlib.Path(sys.argv[1]), throwaway=True); s.start()\n"
        "print(s.postgres.pid, s.valkey.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        servers = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
        assert len(servers) == 2
        starter.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(servers, timeout=PATIENCE)
    assert not alive
    with LocalStack(tmp_path, throwaway=True) as again:
        assert again.postgres is not None
        assert again.postgres.psql("SELECT 1").strip() == "1"


def test_leftover_processes_are_ended_before_starting(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as leftover:
        born = psutil.Process(leftover.pid).create_time()
        (tmp_path / "processes").write_text(f"{leftover.pid} {born}\n{os.getpid()} 1.0\nnonsense\n")
        stack = LocalStack(tmp_path)
        try:
            stack.prepare()
        finally:
            stack.stop()
        leftover.wait(PATIENCE)


def test_servers_named_by_the_environment_are_used_instead(own_stack: LocalStack) -> None:
    folder = own_stack.data_dir
    assert left_to_us({}) == (True, True)
    assert left_to_us({"DATABASE_URL": " ", "REDIS_URL": "redis://there"}) == (True, False)
    assert left_to_us({"DATABASE_OWNER_URL": "postgresql://there"}) == (False, True)
    filled = overlay({"REDIS_URL": "", "OTHER": "1"}, folder)
    assert filled["OTHER"] == "1"
    assert filled["REDIS_URL"].startswith("redis://:")
    named = overlay({"DATABASE_URL": "postgresql://there"}, folder)
    assert named["DATABASE_URL"] == "postgresql://there"
    assert "DATABASE_OWNER_URL" not in named


def test_a_server_sees_through_folders_closed_to_its_account(tmp_path: Path) -> None:
    """initdb looks for postgres beside itself with access(2), wherever the checkout lies."""
    program = tmp_path / "program"
    program.touch(0o755)
    tmp_path.chmod(0o700)
    look = "import os, sys; sys.exit(not os.access(sys.argv[1], os.R_OK | os.X_OK))"
    started = process.start(
        [sys.executable, "-I", "-c", look, program], log=subprocess.DEVNULL, account=process.account_for(tmp_path)
    )
    assert started.wait(20) == 0
