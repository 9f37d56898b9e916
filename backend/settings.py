"""One frozen settings tree, read from the environment in one place.

``VARIABLES`` is the list of everything that is read; ``.env.example`` is generated from it and a test keeps them equal.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import crypto
from backend.mail_settings import MailSettings, parse_mail, parse_sender

Environment = Literal["local", "staging", "production"]
Provider = Literal["mock", "local", "openai"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")


class OperatorError(Exception):
    """What whoever runs a command can mend: the message says in one line what is wrong and what to do."""


class SettingsError(OperatorError):
    """A variable is missing or wrong; the message says which and what to do, never its value if it is a secret."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class Variable(NamedTuple):
    """An environment variable: its default (``None``: required) and what it is for."""

    name: str
    default: str | None
    description: str
    secret: bool = False


VARIABLES: Final = (
    Variable("OCSUITE_ENV", "local", "local, staging or production"),
    Variable("OCSUITE_API_HOST", "127.0.0.1", "Address the API listens on"),
    Variable("OCSUITE_API_PORT", "8000", "Port of the API"),
    Variable("OCSUITE_WEB_HOST", "127.0.0.1", "Address the web app listens on"),
    Variable("OCSUITE_WEB_PORT", "3000", "Port of the web app"),
    Variable("OCSUITE_API_URL", "", "Where the web app reaches the API; empty: the API's own address and port"),
    Variable("OCSUITE_WEB_ORIGINS", "", "Web app origins by comma, first for links; empty: localhost, in local mode"),
    Variable("OCSUITE_TRUSTED_PROXIES", "", "Comma-separated networks whose X-Forwarded-For is believed"),
    Variable("OCSUITE_CONNECTIONS_PER_ADDRESS", "500", "Connections that one address may hold, proxies excepted"),
    Variable("OCSUITE_HEAD_SECONDS", "10", "Longest wait for the whole head of a request"),
    Variable("OCSUITE_BODY_SECONDS", "60", "Longest wait for its whole body after that"),
    Variable("OCSUITE_DATA_DIR", ".ocsuite", "Folder of the local stack: database, queue, logs, generated secrets"),
    Variable("DATABASE_URL", None, "Postgres as ocsuite_app: postgresql://…@host:5432/ocsuite", secret=True),
    Variable("DATABASE_OWNER_URL", "", "Postgres as the owner; for migrate, doctor, rotate-master-key", secret=True),
    Variable("DATABASE_POOL_SIZE", "20", "Connections that each process opens at most, and keeps"),
    Variable("REDIS_URL", None, "Redis or Valkey: redis://:…@host:6379/0", secret=True),
    Variable("OCSUITE_MASTER_KEYS", None, "Comma-separated id:base64url(32 bytes); the first encrypts", secret=True),
    Variable("OCSUITE_METRICS_TOKEN", "", "Bearer token of /metrics; empty: loopback and proxies only", secret=True),
    Variable("OTEL_EXPORTER_OTLP_ENDPOINT", "", "OpenTelemetry collector; empty: no traces"),
    Variable("LLM_PROVIDER", "mock", "mock, local (a small real model) or openai (any compatible endpoint)"),
    Variable("LLM_BASE_URL", "", "Endpoint, for Fireworks https://api.fireworks.ai/inference/v1"),
    Variable("LLM_API_KEY", "", "Key of the endpoint", secret=True),
    Variable("LLM_MODEL", "", "Model name, for Fireworks accounts/fireworks/models/qwen3-235b-a22b"),
    Variable("LLM_TIMEOUT_SECONDS", "60", "Longest wait for text of an answer; thinking does not lengthen it"),
    Variable("LLM_MOCK_TOKENS_PER_SECOND", "60", "Pace of the mock; 0 is as fast as possible"),
    Variable("MESSAGES_PER_DAY", "200", "Messages that a new company may send a day"),
    Variable("TASKS_PER_DAY", "100", "Tasks that a new company may start a day"),
    Variable("MEMBERS_MAX", "25", "Members that a new company may have"),
    Variable("COMPANIES_MAX", "10", "Companies that one person may own"),
    Variable("COMPANY_GRACE_DAYS", "7", "Days between asking for a company's deletion and its erasure"),
    Variable("CLERK_ISSUER", "", "Issuer of Clerk's tokens; set: Clerk signs people in, local accounts are off"),
    Variable("CLERK_AUTHORIZED_PARTIES", "", "Comma-separated origins accepted in a Clerk token's azp"),
    Variable("CLERK_PUBLISHABLE_KEY", "", "Clerk's publishable key, for the web app"),
    Variable("SMTP_URL", "", "Mail server: smtp+starttls://user:…@host:587, smtps://…; empty: no mail", secret=True),
    Variable("MAIL_FROM", "", "Sender of mails, an address or a name with it in <>; needed with SMTP_URL"),
)  # fmt: skip


_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:(?!80$|443$)\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_DEFAULT_PASSWORDS: Final = frozenset({"", "ocsuite", "postgres", "redis", "password", "changeme"})


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Which model answers, and how it is reached."""

    provider: Provider
    base_url: str
    model: str
    timeout_seconds: float
    mock_tokens_per_second: float
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClerkSettings:
    """Clerk as the identity provider."""

    issuer: str
    authorized_parties: frozenset[str]
    publishable_key: str


@dataclass(frozen=True, slots=True)
class Allowances:
    """What a new tenant may use, kept per tenant afterwards; and how many of them a person may own."""

    messages_per_day: int
    tasks_per_day: int
    members: int
    companies: int


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What one address may hold and for how long, and which are proxies; the same for the API and the web app."""

    per_address: int
    head_seconds: float
    body_seconds: float
    trusted_proxies: tuple[Network, ...]

    @staticmethod
    def load(environ: Mapping[str, str]) -> "ConnectionSettings":
        """Read these variables alone; raises :class:`SettingsError`."""
        read = _Reader(environ)
        return ConnectionSettings(
            per_address=read.integer("OCSUITE_CONNECTIONS_PER_ADDRESS", 1, 1_000_000),
            head_seconds=read.integer("OCSUITE_HEAD_SECONDS", 1, 600),
            body_seconds=read.integer("OCSUITE_BODY_SECONDS", 1, 3600),
            trusted_proxies=tuple(read.networks("OCSUITE_TRUSTED_PROXIES")),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. ``repr`` shows no secret."""

    env: Environment
    api_host: str
    api_port: int
    web_host: str
    web_port: int
    api_url: str
    web_url: str
    web_origins: frozenset[str]
    trusted_proxies: tuple[Network, ...]
    connections: ConnectionSettings
    data_dir: Path
    database_url: str
    database_owner_url: str
    database_pool_size: int
    redis_url: str
    master_keys: tuple[crypto.MasterKey, ...]
    metrics_token: str
    otel_endpoint: str
    llm: LlmSettings
    allowances: Allowances
    company_grace: timedelta
    clerk: ClerkSettings | None
    mail: MailSettings | None

    def __repr__(self) -> str:
        return f"Settings(env={self.env!r})"

    @property
    def is_local(self) -> bool:
        """Whether this is a developer's machine, where defaults are friendly."""
        return self.env == "local"

    @staticmethod
    def load(environ: Mapping[str, str]) -> "Settings":
        """Read and check every variable; raises :class:`SettingsError` for the first that is missing or wrong."""
        read = _Reader(environ)
        env = read.choice("OCSUITE_ENV", ("local", "staging", "production"))
        local = env == "local"
        api_port, web_port = read.port("OCSUITE_API_PORT"), read.port("OCSUITE_WEB_PORT")
        origins = read.origins("OCSUITE_WEB_ORIGINS")
        if not origins:
            if not local:
                raise SettingsError("OCSUITE_WEB_ORIGINS", "name the web app's origin, such as https://app.example.com")
            origins = [f"http://localhost:{web_port}", f"http://127.0.0.1:{web_port}"]
        return Settings(
            env=cast("Environment", env),
            api_host=read.text("OCSUITE_API_HOST"),
            api_port=api_port,
            web_host=read.text("OCSUITE_WEB_HOST"),
            web_port=web_port,
            api_url=read.url("OCSUITE_API_URL", ("http", "https")) or f"http://127.0.0.1:{api_port}",
            web_url=origins[0],
            web_origins=frozenset(origins),
            trusted_proxies=tuple(read.networks("OCSUITE_TRUSTED_PROXIES")),
            connections=ConnectionSettings.load(environ),
            data_dir=Path(read.text("OCSUITE_DATA_DIR")).expanduser().absolute(),
            database_url=read.url("DATABASE_URL", ("postgresql", "postgres"), hosted=not local),
            database_owner_url=read.url("DATABASE_OWNER_URL", ("postgresql", "postgres"), hosted=not local),
            database_pool_size=read.integer("DATABASE_POOL_SIZE", 1, 200),
            redis_url=read.url("REDIS_URL", ("redis", "rediss", "unix"), hosted=not local),
            master_keys=read.parsed("OCSUITE_MASTER_KEYS", read.text("OCSUITE_MASTER_KEYS"), crypto.parse_master_keys),
            metrics_token=read.text("OCSUITE_METRICS_TOKEN"),
            otel_endpoint=read.url("OTEL_EXPORTER_OTLP_ENDPOINT", ("http", "https")),
            llm=_llm(read),
            allowances=Allowances(
                messages_per_day=read.integer("MESSAGES_PER_DAY", 1, 1_000_000),
                tasks_per_day=read.integer("TASKS_PER_DAY", 1, 1_000_000),
                members=read.integer("MEMBERS_MAX", 1, 100_000),
                companies=read.integer("COMPANIES_MAX", 1, 100_000),
            ),
            company_grace=timedelta(days=read.integer("COMPANY_GRACE_DAYS", 1, 365)),
            clerk=_clerk(read),
            mail=_mail(read),
        )


def _split(text: str) -> SplitResult:
    parts = urlsplit(text)
    _ = parts.port  # raises for one that is no number, or beyond 65535
    return parts


def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def _llm(read: "_Reader") -> LlmSettings:
    provider = cast("Provider", read.choice("LLM_PROVIDER", ("mock", "local", "openai")))
    settings = LlmSettings(
        provider=provider,
        base_url=read.url("LLM_BASE_URL", ("http", "https")),
        model=read.text("LLM_MODEL"),
        timeout_seconds=float(read.integer("LLM_TIMEOUT_SECONDS", 1, 600)),
        mock_tokens_per_second=float(read.integer("LLM_MOCK_TOKENS_PER_SECOND", 0, 100_000)),
        api_key=read.text("LLM_API_KEY"),
    )
    if provider == "openai":
        for name, value in (
            ("LLM_BASE_URL", settings.base_url),
            ("LLM_API_KEY", settings.api_key),
            ("LLM_MODEL", settings.model),
        ):
            if not value:
                raise SettingsError(name, "is needed when LLM_PROVIDER is openai")
    return settings


def _clerk(read: "_Reader") -> ClerkSettings | None:
    issuer, key = read.url("CLERK_ISSUER", ("https", "http")), read.text("CLERK_PUBLISHABLE_KEY")
    if not issuer:
        if key:  # the web app would sign people in with Clerk, and the API would refuse every one of them
            raise SettingsError("CLERK_ISSUER", "is needed when CLERK_PUBLISHABLE_KEY is set")
        return None
    parties = read.origins("CLERK_AUTHORIZED_PARTIES")
    if not parties:
        raise SettingsError("CLERK_AUTHORIZED_PARTIES", "is needed when CLERK_ISSUER is set")
    if not key:
        raise SettingsError("CLERK_PUBLISHABLE_KEY", "is needed when CLERK_ISSUER is set")
    return ClerkSettings(issuer.rstrip("/"), frozenset(parties), key)


def _mail(read: "_Reader") -> MailSettings | None:
    url, sender = read.text("SMTP_URL"), read.text("MAIL_FROM")
    written_by = read.parsed("MAIL_FROM", sender, parse_sender) if sender else None
    if not url:
        return None
    if written_by is None:
        raise SettingsError("MAIL_FROM", "is needed when SMTP_URL is set")
    try:
        return parse_mail(url, written_by)
    except ValueError as error:  # says what is wrong without showing the URL, unlike those that `parsed` hides
        raise SettingsError("SMTP_URL", str(error)) from None


class _Reader:
    """Reads variables by name, each with its default from ``VARIABLES``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._known = {variable.name: variable for variable in VARIABLES}

    def text(self, name: str) -> str:
        variable = self._known[name]
        value = self._environ.get(name, "").strip() or variable.default
        if value is None:
            raise SettingsError(name, f"is not set. {variable.description}")
        return value

    def items(self, name: str) -> list[str]:
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def origins(self, name: str) -> list[str]:
        """Origins as browsers write them; anything else would never match one and is refused."""
        found = self.items(name)
        for item in found:
            if not _ORIGIN.fullmatch(item) or self.parsed(name, item, _split).port == 0:
                raise SettingsError(name, f"{item!r} is no origin such as https://app.example.com")
        return found

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        value = self.text(name)
        if value not in among:
            raise SettingsError(name, f"must be one of {', '.join(among)}, not {value!r}")
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        value = self.text(name)
        if not (value.isascii() and value.isdigit() and len(value) < 20 and low <= int(value) <= high):
            raise SettingsError(name, f"must be a whole number from {low} to {high}, not {value[:20]!r}")
        return int(value)

    def networks(self, name: str) -> list[Network]:
        return [self.parsed(name, item, _network) for item in self.items(name)]

    def port(self, name: str) -> int:
        return self.integer(name, 1, 65535)

    def url(self, name: str, schemes: tuple[str, ...], *, hosted: bool = False) -> str:
        """A URL or ''; ``hosted`` refuses the passwords that examples and compose files carry."""
        value = self.text(name)
        if not value:
            return ""
        parts = self.parsed(name, value, _split)
        if parts.scheme not in schemes:
            raise SettingsError(name, f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        if (
            hosted
            and parts.scheme != "unix"
            and parts.password in {None, "", "ocsuite", "postgres", "password", "changeme"}
        ):
            raise SettingsError(
                name, "carries no password or a default one; set a secret of its own outside local mode"
            )
        return value

    def parsed(self, name: str, value: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(value)
        except ValueError as error:
            raise SettingsError(name, "cannot be read" if self._known[name].secret else str(error)) from None
