"""Semantic versions (semver.org 2.0.0) and the rule that says which version may stand in for which."""

import re
from typing import Final, Literal

import msgspec

from module_sdk.contract.capability import SEMVER_PATTERN

_PATTERN: Final = re.compile(SEMVER_PATTERN)
_MAX_CHARS: Final = 64


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed version. Two versions can differ and have the same precedence, because ``build`` has none."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = ()

    @property
    def release(self) -> tuple[int, int, int]:
        """The three numbers."""
        return self.major, self.minor, self.patch

    @property
    def line(self) -> tuple[int, int]:
        """Versions of one line are meant to replace each other: ``(major, 0)``, below 1.0.0 ``(0, minor)``."""
        return (self.major, 0) if self.major else (0, self.minor)

    @property
    def precedence(self) -> tuple[object, ...]:
        """A key that sorts versions by precedence."""
        # An identifier of digits is lower than any other; a prerelease is lower than its release.
        identifiers = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.prerelease)
        return self.release, not self.prerelease, identifiers

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += "-" + ".".join(self.prerelease) if self.prerelease else ""
        return text + "+" + ".".join(self.build) if self.build else text


def parse_version(text: str) -> Version:
    """Raises :class:`ValueError` for anything but a semantic version of at most 64 characters."""
    match = _PATTERN.fullmatch(text) if len(text) <= _MAX_CHARS else None
    if match is None:
        raise ValueError("not a semantic version")
    major, minor, patch, prerelease, build = match.groups()
    return Version(
        major=int(major),
        minor=int(minor),
        patch=int(patch),
        prerelease=tuple(prerelease.split(".")) if prerelease else (),
        build=tuple(build.split(".")) if build else (),
    )


def compare_versions(left: str, right: str) -> Literal[-1, 0, 1]:
    """By precedence: -1 where ``left`` is lower, 0 where only the build differs. Raises :class:`ValueError`."""
    a, b = parse_version(left).precedence, parse_version(right).precedence
    return -1 if a < b else 1 if a > b else 0


def is_compatible(provided: str, required: str) -> bool:
    """Whether a module of version ``provided`` may answer a caller that asks for ``required``.

    Same major version and no lower; below 1.0.0 the same minor version too, since anything may change there. A
    prerelease answers only those that ask for a prerelease of the very same release, because what it promises is not
    settled. Build metadata is ignored. Raises :class:`ValueError` where either is no version.
    """
    offer, need = parse_version(provided), parse_version(required)
    if offer.line != need.line or offer.precedence < need.precedence:
        return False
    return not offer.prerelease or (bool(need.prerelease) and offer.release == need.release)
