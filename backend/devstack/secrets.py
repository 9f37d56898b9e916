"""The generated secrets of one data folder: written once, readable by their owner alone."""

import os
import secrets
from pathlib import Path

import msgspec

import crypto
from backend.devstack.errors import StackError


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contents of `stack.json`. Ports are those of the last start, kept so that open tools find the servers again."""

    superuser_password: str
    owner_password: str
    app_password: str
    valkey_password: str
    master_keys: str
    postgres_port: int = 0
    valkey_port: int = 0

    def __repr__(self) -> str:
        return "Secrets(…)"


def generate() -> Secrets:
    """Fresh secrets."""
    token = secrets.token_urlsafe
    return Secrets(token(24), token(24), token(24), token(24), crypto.generate_master_key("local-1"))


def read(path: Path) -> Secrets | None:
    """The secrets kept in `path`, or None when there are none; raises `StackError` for a file that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Secrets)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise StackError(f"{path} cannot be read by this user; use the account that created it") from None
    except msgspec.MsgspecError:
        raise StackError(
            f"{path} is damaged; restore it from a backup, or move its folder away to start afresh"
        ) from None


def write(path: Path, values: Secrets) -> None:
    """Keep `values` in `path`, mode 0600, replacing it in one step."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(values), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
