"""The audit log of a company: entries, their seals, signed checkpoints and verification."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from module_sdk.api.base import Reply

ActorKind = Literal["user", "api_key", "system"]
Outcome = Literal["succeeded", "refused"]
FaultKind = Literal["edited", "removed", "inserted", "reordered", "cut_off", "forged"]


class Actor(Reply, frozen=True, kw_only=True):
    """Who acted. ``name`` is the person's name at the time; a key acts for its maker, whose ``user_id`` stands here."""

    kind: ActorKind
    user_id: UUID | None
    api_key_id: UUID | None
    name: str


class AuditAction(Reply, frozen=True, kw_only=True):
    """One kind of entry, in words.

    ``key`` is an entry's ``action``, whose part before the dot ``area`` names. ``title`` says what happened on its own.
    A sentence is the actor's name, ``verb``, and the value of the entry's ``meta`` under ``thing``; without that value
    ``bare`` takes the verb's place, if there is one. ``roles`` names a value of ``meta`` that lists roles.
    """

    key: str
    area: str
    title: str
    verb: str
    thing: str
    bare: str
    roles: str


class AuditEntry(Reply, frozen=True, kw_only=True):
    """One thing that was done or refused.

    ``resource`` reads ``<kind>:<id>``, such as ``role:analyst``. ``seq`` is the entry's place in the sealed chain,
    ``None`` for the seconds until it is sealed.
    """

    id: UUID
    created_at: datetime
    actor: Actor
    action: str
    resource: str
    outcome: Outcome
    meta: dict[str, Any]
    request_id: str
    seq: int | None


class AuditCheckpoint(Reply, frozen=True, kw_only=True):
    """A signed statement that the chain had ``seq`` entries ending in ``hash`` (hexadecimal) at ``sealed_at``.

    ``signature`` is Ed25519 (RFC 8032) in base64 over the text that ``docs/audit.md`` defines.
    """

    tenant_id: UUID
    seq: int
    hash: str
    sealed_at: datetime
    key_id: str
    signature: str


class AuditKey(Reply, frozen=True, kw_only=True):
    """A public key that checkpoints are signed with, 32 bytes in base64."""

    id: str
    algorithm: Literal["Ed25519"]
    public_key: str


class AuditFault(Reply, frozen=True, kw_only=True):
    """The first entry of a chain that is not as it was sealed."""

    kind: FaultKind
    seq: int
    entry_id: UUID | None
    detail: str


class AuditVerification(Reply, frozen=True, kw_only=True):
    """What the last walk over the whole chain came to; ``verified_at`` is ``None`` before the first.

    ``waiting`` entries were too young to be sealed.
    """

    verified_at: datetime | None
    entries: int
    sealed_seq: int
    waiting: int
    intact: bool
    fault: AuditFault | None
