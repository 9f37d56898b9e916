"""Files that no machine here can run are at least held against the settings and against each other."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import yaml

from backend import migrate
from backend.cli import COMMANDS
from backend.devstack import APP_ROLE, DATABASE, OWNER_ROLE
from backend.devstack.schema_mark import SOURCES
from backend.settings import VARIABLES, Settings
from crypto import generate_master_key
from scripts import env_example

ROOT = Path(__file__).resolve().parents[2]
NAMES = {variable.name for variable in VARIABLES}
MINE = re.compile(r"\b(?:OCSUITE|DATABASE|REDIS|LLM|CLERK|OTEL)_[A-Z_]+\b")


def load(name: str) -> Any:
    """A YAML file of the repository."""
    return yaml.safe_load((ROOT / name).read_text())


def test_env_example_is_what_the_settings_read() -> None:
    text = (ROOT / ".env.example").read_text()
    assert text == env_example.render(), "run: python scripts/env_example.py > .env.example"
    assert re.findall(r"^# ([A-Z_]+)=", text, re.MULTILINE) == [variable.name for variable in VARIABLES]


def test_development_containers_fit_the_settings() -> None:
    services = load("docker-compose.dev.yml")["services"]
    assert set(services) == {"postgres", "valkey"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["healthcheck"]["retries"] > 0
    port = {name: service["ports"][0].split(":")[1] for name, service in services.items()}
    password = services["valkey"]["command"][services["valkey"]["command"].index("--requirepass") + 1]
    deploy = (ROOT / "docs/deploy.md").read_text()
    for line in (
        f"DATABASE_URL=postgresql://{APP_ROLE}:ocsuite@127.0.0.1:{port['postgres']}/{DATABASE}",
        f"DATABASE_OWNER_URL=postgresql://{OWNER_ROLE}:ocsuite@127.0.0.1:{port['postgres']}/{DATABASE}",
        f"REDIS_URL=redis://:{password}@127.0.0.1:{port['valkey']}/0",
    ):
        assert line in deploy
    assert services["postgres"]["environment"]["POSTGRES_DB"] == DATABASE


def test_roles_script_makes_the_roles_that_the_code_names(stack: Any) -> None:
    script = (ROOT / "scripts/roles.sql").read_text()
    assert f"CREATE ROLE {OWNER_ROLE} LOGIN BYPASSRLS" in script
    assert f"CREATE ROLE {APP_ROLE} LOGIN NOINHERIT" in script
    assert f"ALTER DATABASE {DATABASE} OWNER TO {OWNER_ROLE}" in script
    # It runs: under other names, since roles belong to the whole server.
    renamed = script.replace("ocsuite", "trial")
    stack.postgres.psql("CREATE DATABASE trial;")
    try:
        stack.postgres.psql(renamed, "trial")
        query = "SELECT rolname, rolbypassrls FROM pg_roles WHERE rolname LIKE 'trial_%' ORDER BY 1"
        assert stack.postgres.psql(query) == "trial_app|f\ntrial_owner|t\n"
    finally:
        stack.postgres.drop_database("trial")
        stack.postgres.psql("DROP ROLE IF EXISTS trial_app, trial_owner;")


def test_staging_runs_known_commands_with_complete_settings() -> None:
    services = load("deploy/staging/compose.yml")["services"]
    ours = {name: service for name, service in services.items() if "OCSUITE_IMAGE" in service["image"]}
    assert set(ours) == {"migrate", "api", "worker", "web"}
    assert {service["command"][0] for service in ours.values()} <= set(COMMANDS)
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in ours.values())
    assert not any("ports" in service for name, service in services.items() if name != "proxy")

    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / "deploy/staging/env.example").read_text(), re.MULTILINE))
    secrets = {name: value.replace("PASSWORD", "long-and-random") for name, value in example.items()}
    secrets |= {"OCSUITE_MASTER_KEYS": generate_master_key("k1"), "OCSUITE_WEB_ORIGINS": "https://staging.example.com"}
    settings = Settings.load(secrets | ours["api"]["environment"])
    assert settings.env == "staging"
    assert settings.database_owner_url
    assert "postgres:5432" in settings.database_url
    assert "valkey:6379" in settings.redis_url
    caddy = (ROOT / "deploy/staging/Caddyfile").read_text()
    assert f"web:{settings.web_port}" in caddy
    assert f"api:{settings.api_port}" in caddy


def test_image_names_only_settings_and_commands_that_exist() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert set(MINE.findall(text)) <= NAMES
    assert re.search(r"^USER ocsuite$", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
    command = re.search(r'^CMD \["(\w+)"\]$', text, re.MULTILINE)
    assert command
    assert command[1] in COMMANDS
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in ("backend", "crypto", "frontend", "migrations", "module_sdk", "scripts", "pyproject.toml"):
        assert f"!{name}" in ignored


def test_deploying_is_the_same_by_hand_and_by_machine() -> None:
    workflow = load(".github/workflows/ci.yml")
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert ".ci/run" in commands
    assert any(command.startswith("deploy/staging/deploy ") for command in commands)
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["staging"]["environment"]["name"] == "staging"
    assert workflow["jobs"]["staging"]["needs"] == "image"
    # What an expression puts into a script is code there; values go through the environment.
    assert not any("${{" in command for command in commands)


def test_ci_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & stat.S_IXUSR
    lines = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[-2:] == ["make check", "make test"]


def test_the_long_run_is_nightly_and_nothing_else_is() -> None:
    workflow = load(".github/workflows/ci.yml")
    assert workflow[True]["schedule"]  # YAML 1.1 reads the key `on` as true
    assert [step["run"] for step in workflow["jobs"]["soak"]["steps"] if "run" in step] == ["make soak"]
    assert workflow["jobs"]["soak"]["if"] == "github.event_name == 'schedule'"
    # What the others need is `check`, and a job whose needs were skipped is skipped.
    assert workflow["jobs"]["check"]["if"] == "github.event_name != 'schedule'"
    others = {name: job for name, job in workflow["jobs"].items() if name not in ("soak", "check")}
    assert {job["needs"] for job in others.values()} == {"check", "image"}


def test_starting_again_migrates_after_any_change_to_what_migrates() -> None:
    watched = {path for pattern in SOURCES for path in ROOT.glob(pattern)}
    modules = {str(getattr(thing, "__module__", "")) for thing in vars(migrate).values()}
    ours = {(ROOT / name.replace(".", "/")).with_suffix(".py") for name in modules if name.startswith("backend.")}
    assert ROOT / "backend/domains/access/catalogue.py" in ours
    assert ours | set(ROOT.glob("backend/domains/*/permissions.py")) <= watched


def test_hooks_use_the_locked_tools() -> None:
    (repository,) = load(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert all(hook["language"] == "system" for hook in repository["hooks"])
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repository["hooks"])


def test_make_explains_itself() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make ([\w-]+)", done.stdout, re.MULTILINE)
    assert {"up", "test", "test-quick", "check", "bench", "soak", "format", "lock", "pictures", "help"} <= set(listed)


def test_locks_carry_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert "--index" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_every_file_name_of_the_deploy_script_exists() -> None:
    script = (ROOT / "deploy/staging/deploy").read_text()
    for name in re.findall(r'"\$here/([^"]+)"', script):
        assert (ROOT / "deploy/staging" / name).exists(), name
    done = subprocess.run([ROOT / "deploy/staging/deploy"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
