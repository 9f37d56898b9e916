"""Every variable: its default, what it accepts, and that nothing secret is shown or assumed."""

import copy
import dataclasses
import ipaddress
import pickle
import re
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.settings import VARIABLES, Settings, SettingsError

ROOT = Path(__file__).parents[1]
KEY = "one:" + "A" * 43
OTHER_KEY = "two:" + "B" * 42 + "A"
LOCAL = {
    "DATABASE_URL": "postgresql://ocsuite_app:app-pass-word@db:5432/ocsuite",
    "REDIS_URL": "redis://:redis-pass-word@queue:6379/0",
    "OCSUITE_MASTER_KEYS": KEY,
}
HOSTED = {
    **LOCAL,
    "OCSUITE_ENV": "production",
    "OCSUITE_WEB_ORIGINS": "https://app.example.com",
    "OCSUITE_MASTER_KEYS": f"{OTHER_KEY},one:UnJhbmRvbV9sb29raW5nX3NlY3JldF9rZXlfMDEyMzQ",
}
CLERK = {
    "CLERK_ISSUER": "https://clerk.example.com/",
    "CLERK_AUTHORIZED_PARTIES": "https://app.example.com, https://admin.example.com",
    "CLERK_PUBLISHABLE_KEY": "pk_test_x",
}
MAIL = {
    "SMTP_URL": "smtp+starttls://mailer%40example.com:p%2Fss%25word@mail.example.com",
    "MAIL_FROM": "OCSuite, Inc. <no-reply@example.com>",
}
OPENAI = {
    "LLM_PROVIDER": "openai",
    "LLM_BASE_URL": "https://api.example.com/v1",
    "LLM_API_KEY": "llm-secret-value",
    "LLM_MODEL": "some/model",
}
SECRETS = {
    "DATABASE_URL": "postgresql://ocsuite_app:hidden-one@db/ocsuite",
    "DATABASE_OWNER_URL": "postgresql://ocsuite_owner:hidden-two@db/ocsuite",
    "REDIS_URL": "redis://:hidden-three@queue:6379/0",
    "OCSUITE_MASTER_KEYS": "one:hidden4UZG9tX2xvb2tpbmdfc2VjcmV0X2tleV8wMTI",
    "OCSUITE_METRICS_TOKEN": "hidden-five",
    "LLM_API_KEY": "hidden-six",
    "SMTP_URL": "smtps://mailer:hidden-seven@mail.example.com",
}


def load(**changes: str) -> Settings:
    """Local settings with changes."""
    return Settings.load({**LOCAL, **changes})


def refused(environ: dict[str, str]) -> SettingsError:
    """The error with which variables are refused; shows none of their secrets."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ)
    assert str(caught.value).startswith(f"{caught.value.name}: ")
    shown = "".join(traceback.format_exception(caught.value))
    for variable in VARIABLES:
        value = environ.get(variable.name, "")
        if variable.secret and len(value) > 8:
            assert value not in shown
    return caught.value


def test_the_least_that_is_needed_is_enough() -> None:
    settings = Settings.load(LOCAL)
    assert settings.is_local
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 8000)
    assert (settings.web_host, settings.web_port) == ("127.0.0.1", 3000)
    assert settings.api_url == "http://127.0.0.1:8000"
    assert settings.web_origins == {"http://localhost:3000", "http://127.0.0.1:3000"}
    assert settings.web_url == "http://localhost:3000"
    assert settings.trusted_proxies == ()
    assert settings.data_dir == Path(".ocsuite").absolute()
    assert settings.database_url == LOCAL["DATABASE_URL"]
    assert settings.database_owner_url == ""
    assert settings.database_pool_size == 20
    assert settings.redis_url == LOCAL["REDIS_URL"]
    assert [key.id for key in settings.master_keys] == ["one"]
    assert (settings.metrics_token, settings.otel_endpoint) == ("", "")
    assert (settings.llm.provider, settings.llm.timeout_seconds, settings.llm.mock_tokens_per_second) == (
        "mock",
        60,
        60,
    )
    assert (settings.llm.base_url, settings.llm.model, settings.llm.api_key) == ("", "", "")
    allowances = settings.allowances
    assert (allowances.messages_per_day, allowances.tasks_per_day, allowances.members) == (200, 100, 25)
    assert settings.clerk is None
    assert settings.mail is None


@pytest.mark.parametrize(
    ("name", "value", "read", "wanted"),
    [
        ("OCSUITE_ENV", "staging", "env", "staging"),
        ("OCSUITE_API_HOST", "0.0.0.0", "api_host", "0.0.0.0"),
        ("OCSUITE_API_PORT", "9000", "api_port", 9000),
        ("OCSUITE_WEB_HOST", "::1", "web_host", "::1"),
        ("OCSUITE_WEB_PORT", "65535", "web_port", 65535),
        ("OCSUITE_API_URL", "http://api:8000", "api_url", "http://api:8000"),
        ("OCSUITE_WEB_ORIGINS", " https://b.example , https://a.example ,", "web_url", "https://b.example"),
        ("OCSUITE_WEB_ORIGINS", " https://a.example , https://b.example ,", "web_origins",
         {"https://a.example", "https://b.example"}),
        ("OCSUITE_TRUSTED_PROXIES", "10.0.0.1/8, ::1", "trusted_proxies",
         (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))),
        ("OCSUITE_CONNECTIONS_PER_ADDRESS", "7", "connections.per_address", 7),
        ("OCSUITE_HEAD_SECONDS", "8", "connections.head_seconds", 8),
        ("OCSUITE_BODY_SECONDS", "9", "connections.body_seconds", 9),
        ("OCSUITE_DATA_DIR", "/srv/data", "data_dir", Path("/srv/data")),
        ("OCSUITE_DATA_DIR", "~/data", "data_dir", Path.home() / "data"),
        ("DATABASE_URL", "postgres://a:b-c-d@h/x", "database_url", "postgres://a:b-c-d@h/x"),
        ("DATABASE_OWNER_URL", "postgresql://o:b-c-d@h/x", "database_owner_url", "postgresql://o:b-c-d@h/x"),
        ("DATABASE_POOL_SIZE", "1", "database_pool_size", 1),
        ("REDIS_URL", "rediss://:p-w@h:1/2", "redis_url", "rediss://:p-w@h:1/2"),
        ("OCSUITE_METRICS_TOKEN", "abc", "metrics_token", "abc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318", "otel_endpoint", "http://otel:4318"),
        ("LLM_PROVIDER", "local", "llm.provider", "local"),
        ("LLM_BASE_URL", "http://model:1234/v1", "llm.base_url", "http://model:1234/v1"),
        ("LLM_API_KEY", "key", "llm.api_key", "key"),
        ("LLM_MODEL", "m", "llm.model", "m"),
        ("LLM_TIMEOUT_SECONDS", "5", "llm.timeout_seconds", 5.0),
        ("LLM_MOCK_TOKENS_PER_SECOND", "0", "llm.mock_tokens_per_second", 0.0),
        ("MESSAGES_PER_DAY", "7", "allowances.messages_per_day", 7),
        ("TASKS_PER_DAY", "8", "allowances.tasks_per_day", 8),
        ("MEMBERS_MAX", "9", "allowances.members", 9),
        ("COMPANIES_MAX", "3", "allowances.companies", 3),
        ("COMPANY_GRACE_DAYS", "3", "company_grace", timedelta(days=3)),
    ],
)  # fmt: skip
def test_a_variable_is_read(name: str, value: str, read: str, wanted: Any) -> None:
    base = HOSTED if name == "OCSUITE_ENV" else LOCAL
    found: Any = Settings.load({**base, name: value})
    for part in read.split("."):
        found = getattr(found, part)
    assert found == wanted


def test_every_variable_is_tried_above() -> None:
    parameters = next(mark for mark in test_a_variable_is_read.pytestmark if mark.name == "parametrize").args[1]
    tried = {row[0] for row in parameters} | {"OCSUITE_MASTER_KEYS"} | set(CLERK) | set(MAIL)
    assert tried == {variable.name for variable in VARIABLES}
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)
    assert all(variable.description for variable in VARIABLES)
    assert {variable.name for variable in VARIABLES if variable.secret} == set(SECRETS)


@pytest.mark.parametrize("empty", ["", "   "])
@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES])
def test_an_empty_variable_is_one_that_is_not_set(name: str, empty: str) -> None:
    if name in LOCAL:
        assert refused({**LOCAL, name: empty}).name == name
    else:
        shown, plain = Settings.load({**LOCAL, name: empty}), Settings.load(LOCAL)
        assert {f.name: getattr(shown, f.name) for f in dataclasses.fields(shown) if f.name != "master_keys"} == {
            f.name: getattr(plain, f.name) for f in dataclasses.fields(plain) if f.name != "master_keys"
        }


@pytest.mark.parametrize("name", LOCAL)
def test_what_is_needed_is_missed(name: str) -> None:
    environ = {other: value for other, value in LOCAL.items() if other != name}
    error = refused(environ)
    assert error.name == name
    assert "is not set" in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OCSUITE_ENV", "prod"),
        ("OCSUITE_ENV", "Local"),
        *[(name, value) for name in ("OCSUITE_API_PORT", "OCSUITE_WEB_PORT")
          for value in ("0", "65536", "-1", "8000.0", "eighty", "1e3", "٣٠٠٠", "0x50", "9" * 400)],
        ("DATABASE_POOL_SIZE", "9" * 5000),
        ("DATABASE_URL", "postgresql://h:70000/d"),
        ("REDIS_URL", "redis://h:70000/0"),
        ("REDIS_URL", "redis://h:port/0"),
        ("OCSUITE_API_URL", "http://h:70000"),
        ("OCSUITE_WEB_ORIGINS", "http://localhost:70000"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:70000"),
        ("OCSUITE_CONNECTIONS_PER_ADDRESS", "0"),
        ("OCSUITE_HEAD_SECONDS", "0"),
        ("OCSUITE_HEAD_SECONDS", "601"),
        ("OCSUITE_BODY_SECONDS", "3601"),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_SIZE", "201"),
        ("LLM_TIMEOUT_SECONDS", "0"),
        ("LLM_TIMEOUT_SECONDS", "601"),
        ("LLM_MOCK_TOKENS_PER_SECOND", "-1"),
        ("MESSAGES_PER_DAY", "-1"),
        ("TASKS_PER_DAY", "many"),
        ("MEMBERS_MAX", "0"),
        ("COMPANIES_MAX", "0"),
        ("COMPANY_GRACE_DAYS", "0"),
        ("OCSUITE_WEB_ORIGINS", "https://app.example.com/"),
        ("OCSUITE_WEB_ORIGINS", "https://App.example.com"),
        ("OCSUITE_WEB_ORIGINS", "https://app.example.com:443"),
        ("OCSUITE_WEB_ORIGINS", "app.example.com"),
        ("LLM_PROVIDER", "anthropic"),
        ("OCSUITE_API_URL", "api:8000"),
        ("OCSUITE_API_URL", "ftp://api"),
        ("OCSUITE_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("OCSUITE_TRUSTED_PROXIES", "10.0.0.1, proxy"),
        ("DATABASE_URL", "mysql://a:long-pass-word@h/x"),
        ("DATABASE_URL", "h/x"),
        ("DATABASE_URL", "postgresql://a:long-pass-word@[h/x"),
        ("DATABASE_OWNER_URL", "sqlite:///long-pass-word"),
        ("REDIS_URL", "http://:long-pass-word@h"),
        ("LLM_BASE_URL", "api.example.com"),
        ("CLERK_ISSUER", "clerk.example.com"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        *[("MAIL_FROM", value) for value in ("OCSuite", "no-reply@", "OCSuite <no-reply@example.com", "a b@example.com",
          "OCSuite <no-reply@example.com>, other@example.com", "OCSuite no-reply@example.com>", "<>",
          "OC\r\nBcc: eve@example.com <no-reply@example.com>", "=?utf-8?q?=0d=0aBcc:eve?= <no-reply@example.com>")],
        ("OCSUITE_MASTER_KEYS", "no-colon-here-at-all"),
        ("OCSUITE_MASTER_KEYS", "one:" + "A" * 40),
        ("OCSUITE_MASTER_KEYS", f"{KEY},{KEY}"),
        ("OCSUITE_MASTER_KEYS", f"{KEY},two:{'A' * 43}"),
        ("OCSUITE_MASTER_KEYS", "One Two:" + "A" * 43),
        ("OCSUITE_MASTER_KEYS", "A" * 43),
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_name(name: str, value: str) -> None:
    error = refused({**LOCAL, name: value})
    assert error.name == name
    assert "\n" not in str(error)


@pytest.mark.parametrize("env", ["staging", "production"])
def test_a_hosted_environment_starts_with_secrets_of_its_own(env: str) -> None:
    settings = Settings.load({**HOSTED, "OCSUITE_ENV": env})
    assert not settings.is_local
    assert settings.web_origins == {"https://app.example.com"}


@pytest.mark.parametrize("env", ["staging", "production"])
@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "OCSUITE_MASTER_KEYS", "OCSUITE_WEB_ORIGINS"])
def test_a_hosted_environment_misses_what_local_mode_would_default(env: str, name: str) -> None:
    environ = {**HOSTED, "OCSUITE_ENV": env}
    del environ[name]
    assert refused(environ).name == name


@pytest.mark.parametrize("env", ["staging", "production"])
@pytest.mark.parametrize("password", ["", ":", ":ocsuite", ":postgres", ":password", ":changeme"])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://ocsuite_app{}@db/ocsuite"),
        ("DATABASE_OWNER_URL", "postgresql://ocsuite_owner{}@db/ocsuite"),
        ("REDIS_URL", "redis://{}@queue:6379/0"),
    ],
)
def test_a_hosted_environment_refuses_default_passwords(env: str, name: str, url: str, password: str) -> None:
    assert refused({**HOSTED, "OCSUITE_ENV": env, name: url.format(password)}).name == name
    assert load(**{name: url.format(password)}).is_local


def test_no_file_carries_a_master_key() -> None:
    """There is no default one to refuse: every installation makes its own."""
    for name in (".env.example", "docker-compose.dev.yml", "deploy/staging/env.example", "deploy/staging/compose.yml"):
        given = re.findall(r"OCSUITE_MASTER_KEYS[=:](.*)", (ROOT / name).read_text())
        assert all(re.fullmatch(r"\s*(\$\{.*\})?|\s*#.*", value) for value in given), name


@pytest.mark.parametrize("missing", ["LLM_BASE_URL", "LLM_API_KEY", "LLM_MODEL"])
def test_a_remote_model_needs_its_address_key_and_name(missing: str) -> None:
    assert load(**OPENAI).llm.provider == "openai"
    assert refused({**LOCAL, **OPENAI, missing: ""}).name == missing


def test_clerk_is_set_up_whole_or_not_at_all() -> None:
    clerk = load(**CLERK).clerk
    assert clerk is not None
    assert clerk.issuer == "https://clerk.example.com"
    assert clerk.authorized_parties == {"https://app.example.com", "https://admin.example.com"}
    assert clerk.publishable_key == "pk_test_x"
    for missing in ("CLERK_AUTHORIZED_PARTIES", "CLERK_PUBLISHABLE_KEY"):
        assert refused({**LOCAL, **CLERK, missing: ""}).name == missing
    assert refused({**LOCAL, "CLERK_PUBLISHABLE_KEY": "pk_test_x"}).name == "CLERK_ISSUER"


def test_a_mail_server_is_read_from_its_url() -> None:
    mail = load(**MAIL).mail
    assert mail is not None
    assert (mail.security, mail.host, mail.port) == ("starttls", "mail.example.com", 587)
    assert (mail.username, mail.password) == ("mailer@example.com", "p/ss%word")
    assert (mail.sender_name, mail.sender) == ("OCSuite, Inc.", "no-reply@example.com")
    for url, wanted in {
        "smtps://mail.example.com": ("tls", "mail.example.com", 465, ""),
        "smtps://u:pass-word@[2001:db8::1]:2465/": ("tls", "2001:db8::1", 2465, "u"),
        "smtp+starttls://mail.example.com:25": ("starttls", "mail.example.com", 25, ""),
        **{
            f"smtp://{host}:1025": ("plain", host, 1025, "")
            for host in ("localhost", "mailpit", "10.0.0.9", "a.internal")
        },
        "smtp://[::1]": ("plain", "::1", 25, ""),
    }.items():
        found = load(SMTP_URL=url, MAIL_FROM='"Office" <office@bücher.example>').mail
        assert found is not None
        assert (found.security, found.host, found.port, found.username) == wanted
        assert (found.sender_name, found.sender) == ("Office", "office@xn--bcher-kva.example")
    assert load(MAIL_FROM="no-reply@example.com").mail is None
    assert refused({**LOCAL, "SMTP_URL": MAIL["SMTP_URL"]}).name == "MAIL_FROM"


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com:587",
        "https://mailer:long-pass-word@mail.example.com",
        "smtps://mailer:long-pass-word@",
        "smtps://mailer@mail.example.com",
        "smtps://:long-pass-word@mail.example.com",
        "smtps://mailer:long/pass-word@mail.example.com",
        "smtps://mailer:123/pass-word@mail.example.com",
        "smtps://mailer:long#pass-word@mail.example.com",
        "smtps://mailer:long?pass-word@mail.example.com",
        "smtps://mailer:long-pass-word@[mail.example.com",
        "smtps://mailer:long-pass-word@mail.example.com:0",
        "smtps://mailer:long-pass-word@mail.example.com:99999",
        "smtps://mail.example.com/folder",
        "smtp://mail.example.com",
        "smtp://8.8.8.8:25",
        "smtp://mailer:long-pass-word@localhost:25",
    ],
)
def test_a_mail_server_that_cannot_be_meant_is_refused(url: str) -> None:
    error = refused({**LOCAL, **MAIL, "SMTP_URL": url})
    assert error.name == "SMTP_URL"
    assert "\n" not in str(error)
    assert "pass-word" not in "".join(traceback.format_exception(error))


def test_nothing_secret_is_shown() -> None:
    others = {name: value for name, value in {**OPENAI, **MAIL}.items() if name not in SECRETS}
    settings = load(**SECRETS, **others)
    keys = settings.master_keys
    shown = "".join(
        f"{part!r} {part!s} {part}"
        for part in (settings, settings.llm, settings.allowances, settings.mail, keys, *keys)
    )
    assert "hidden" not in shown


def test_settings_are_frozen() -> None:
    settings = load(**CLERK, **MAIL)
    for part in (settings, settings.llm, settings.allowances, settings.clerk, settings.mail):
        for field in dataclasses.fields(part):  # type: ignore[arg-type]  # set above, never None
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(part, field.name, None)
    with pytest.raises((AttributeError, TypeError)):
        settings.extra = 1  # type: ignore[attr-defined]  # that is the point
    assert isinstance(settings.web_origins, frozenset)
    assert isinstance(settings.trusted_proxies, tuple)
    assert isinstance(settings.master_keys, tuple)


def test_keys_do_not_leave_with_a_copy() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(load())
    with pytest.raises(TypeError):
        copy.deepcopy(load())


def test_the_environment_is_read_once_and_left_alone() -> None:
    environ = dict(LOCAL)
    settings = Settings.load(environ)
    assert environ == LOCAL
    environ["OCSUITE_API_PORT"] = "1234"
    assert settings.api_port == 8000
