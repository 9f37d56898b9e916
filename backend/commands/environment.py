"""Where a command's settings come from: the environment, then `.env`, then the local stack's generated values."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from backend.settings import Settings


def own() -> dict[str, str]:
    """What a person set: the environment over the file `.env`."""
    return {name: value for name, value in dotenv_values(".env").items() if value is not None} | dict(os.environ)


def read() -> dict[str, str]:
    """What a person set; in local mode, what that leaves open comes from the stack's generated values.

    Raises:
        StackError: The stack's secrets are there but cannot be read.
    """
    found = own()
    if not is_local(found):
        return found
    try:
        from backend.devstack.local import overlay
    except ModuleNotFoundError:  # as in the image, where only what was set counts
        return found
    folder = data_dir(found)
    return overlay(found | {"OCSUITE_DATA_DIR": str(folder)}, folder)


def is_local(environ: Mapping[str, str]) -> bool:
    """Whether this is a developer's machine."""
    return (environ.get("OCSUITE_ENV", "").strip() or "local") == "local"


def data_dir(environ: Mapping[str, str]) -> Path:
    """The folder of the local stack, absolute."""
    return Path(environ.get("OCSUITE_DATA_DIR", "").strip() or ".ocsuite").expanduser().absolute()


def settings() -> Settings:
    """The settings of this process; raises `SettingsError` for the first variable that is missing or wrong."""
    return Settings.load(read())
