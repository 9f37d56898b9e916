r"""What of an audit entry is sealed, in which bytes, and how seals follow one another.

Every entry of a company gets a place in its chain: a seal with the next ``seq``, starting at 1. Here ``‖`` joins bytes;
a tenant takes 16 bytes, a ``seq`` 8 (big-endian), a time the 27 ASCII characters of ``timestamp``:

- content = SHA-256(``ocsuite.audit.entry/1\n`` ‖ canonical JSON of the entry)
- hash    = SHA-256(``ocsuite.audit.link/1\n`` ‖ tenant ‖ seq ‖ previous hash ‖ content ‖ sealed_at), the hash before
  the first being 32 zero bytes
- signature of every row   = Ed25519(``ocsuite.audit.row/1\n`` ‖ tenant ‖ seq ‖ content ‖ sealed_at)
- signature of a checkpoint = Ed25519(``ocsuite.audit.checkpoint/1\n`` ‖ tenant ‖ seq ‖ hash ‖ sealed_at)

The second one commits to all that came before. All rows of a batch have one ``sealed_at``, later than that of the batch
before; the last of a batch is a checkpoint. Which rows are checkpoints therefore follows from the hashes, and not from
a column beside them. The first one does not mention the hash on purpose: whoever owns the
database can overwrite every hash, but a row still proves which place it had, so that the one that is gone can be named.

Canonical JSON: the entry's fields and the keys of every object in order of their code points, no blanks, UTF-8; of text
only ``"``, ``\`` and U+0000 to U+001F are escaped (``\b \t \n \f \r``, else ``\u00xx``); ids lower-case with
dashes; numbers are integers of at most 53 bits.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from crypto import SealingKey, VerifyKey
from module_sdk.api.audit import ActorKind, AuditCheckpoint, Outcome

CHECKPOINT_EVERY: Final = 1000
"""Most rows from one checkpoint to the next; the last row of a batch is always one."""
_LATER: Final = timedelta(microseconds=1)
GENESIS: Final = bytes(32)
"""The hash before the first row."""
MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 32
SIGNATURE_BYTES: Final = 64

_ENTRY: Final = b"ocsuite.audit.entry/1\n"
_LINK: Final = b"ocsuite.audit.link/1\n"
_ROW: Final = b"ocsuite.audit.row/1\n"
_CHECKPOINT: Final = b"ocsuite.audit.checkpoint/1\n"


class NotCanonical(ValueError):
    """An entry holds something that has no canonical form."""


class ForgedHead(Exception):
    """The newest seal is not ours: nothing is sealed on top of it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of ``audit_logs``. ``meta`` holds text, integers, booleans, nulls, and lists and objects of these."""

    action: str
    actor_api_key_id: UUID | None
    actor_kind: ActorKind
    actor_name: str
    actor_user_id: UUID | None
    created_at: datetime
    id: UUID
    meta: dict[str, Any]
    outcome: Outcome
    request_id: str
    resource: str
    tenant_id: UUID


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``audit_seals``. ``signature`` is 64 bytes over the row; a checkpoint has 64 more over the chain."""

    seq: int
    entry_id: UUID
    hash: bytes
    sealed_at: datetime
    key_id: str
    signature: bytes
    checkpoint: bool


@dataclass(frozen=True, slots=True)
class SealSigner:
    """The private key that seals, and the id under which its public half is found."""

    key_id: str
    key: SealingKey


class _Canonical(msgspec.Struct):
    # In alphabetical order, which is the order in which msgspec writes them.
    action: str
    actor_api_key_id: UUID | None
    actor_kind: str
    actor_name: str
    actor_user_id: UUID | None
    created_at: str
    id: UUID
    meta: dict[str, Any]
    outcome: str
    request_id: str
    resource: str
    tenant_id: UUID


_encoder: Final = msgspec.json.Encoder(order="deterministic")


def check_meta(meta: dict[str, Any]) -> None:
    """Raise ``NotCanonical`` if ``meta`` could not be sealed. Ask before storing it: the sealer halts at such a row."""
    _check(meta, MAX_DEPTH)
    try:
        _encoder.encode(meta)
    except UnicodeEncodeError:
        raise NotCanonical("meta holds half a surrogate pair") from None


def _check(value: object, depth: int) -> None:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if isinstance(value, int):
        if kind is not int or abs(value) > MAX_INTEGER:
            raise NotCanonical("meta holds an integer of more than 53 bits")
    elif depth == 0:
        raise NotCanonical(f"meta is nested more than {MAX_DEPTH} deep")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise NotCanonical("meta holds a key that is no text")
            _check(item, depth - 1)
    else:
        raise NotCanonical(f"meta holds a {kind.__name__}")


def timestamp(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:MM:SS.ffffffZ``, always 27 characters. Raises ``NotCanonical`` for a time without a zone."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise NotCanonical("a time has no zone")
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise NotCanonical("a time is out of range") from None
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def canonical(entry: Entry) -> bytes:
    """The JSON of an entry that its hash is made of. Raises ``NotCanonical``."""
    _check(entry.meta, MAX_DEPTH)
    form = _Canonical(
        entry.action,
        entry.actor_api_key_id,
        entry.actor_kind,
        entry.actor_name,
        entry.actor_user_id,
        timestamp(entry.created_at),
        entry.id,
        entry.meta,
        entry.outcome,
        entry.request_id,
        entry.resource,
        entry.tenant_id,
    )
    try:
        return _encoder.encode(form)
    except UnicodeEncodeError:
        raise NotCanonical("the entry holds half a surrogate pair") from None


def content_hash(canonical_json: bytes) -> bytes:
    """The content of what ``canonical`` returned, 32 bytes."""
    return hashlib.sha256(_ENTRY + canonical_json).digest()


def link_hash(tenant_id: UUID, seq: int, previous: bytes, content: bytes, sealed_at: datetime) -> bytes:
    """The hash of a row, 32 bytes."""
    place = tenant_id.bytes + seq.to_bytes(8, "big")
    return hashlib.sha256(_LINK + place + previous + content + timestamp(sealed_at).encode()).digest()


def row_statement(tenant_id: UUID, seq: int, content: bytes, sealed_at: datetime) -> bytes:
    """What the signature of a row is over."""
    return _ROW + tenant_id.bytes + seq.to_bytes(8, "big") + content + timestamp(sealed_at).encode()


def checkpoint_statement(tenant_id: UUID, seq: int, chain_hash: bytes, sealed_at: datetime) -> bytes:
    """What the signature of a checkpoint is over."""
    return _CHECKPOINT + tenant_id.bytes + seq.to_bytes(8, "big") + chain_hash + timestamp(sealed_at).encode()


def row_is_signed(tenant_id: UUID, seq: int, content: bytes, seal: Seal, keys: Mapping[str, VerifyKey]) -> bool:
    """Whether this ``content`` was sealed at place ``seq`` with the signature that ``seal`` carries."""
    key = keys.get(seal.key_id)
    if key is None:
        return False
    try:
        statement = row_statement(tenant_id, seq, content, seal.sealed_at)
    except NotCanonical:
        return False
    return key.verify(statement, seal.signature[:SIGNATURE_BYTES])


def chain_is_signed(tenant_id: UUID, seal: Seal, keys: Mapping[str, VerifyKey]) -> bool:
    """Whether ``seal`` is a checkpoint of ours, which answers for its own hash and all before."""
    key = keys.get(seal.key_id)
    if key is None or not seal.checkpoint:
        return False
    try:
        statement = checkpoint_statement(tenant_id, seal.seq, seal.hash, seal.sealed_at)
    except NotCanonical:
        return False
    return key.verify(statement, seal.signature[SIGNATURE_BYTES:])


def checkpoint_of(tenant_id: UUID, seal: Seal) -> AuditCheckpoint:
    """The statement to hand out. Raises ValueError if ``seal`` is no checkpoint."""
    if not seal.checkpoint:
        raise ValueError("this seal is no checkpoint")
    return AuditCheckpoint(
        tenant_id=tenant_id,
        seq=seal.seq,
        hash=seal.hash.hex(),
        sealed_at=seal.sealed_at,
        key_id=seal.key_id,
        signature=b64encode(seal.signature[SIGNATURE_BYTES:]).decode(),
    )


def seal_batch(
    tenant_id: UUID,
    head: Seal | None,
    entries: Iterable[Entry],
    *,
    signer: SealSigner,
    keys: Mapping[str, VerifyKey],
    now: datetime,
) -> list[Seal]:
    """The seals of ``entries`` in their order, after ``head``, the newest seal of the tenant.

    ``keys`` are the public keys by id, derived from our own private ones and not read from a table. ``sealed_at`` goes
    on with every batch, whatever the clock does. Raises ``ForgedHead`` if ``head`` is no checkpoint of ours: a batch on
    top of it would sign whatever the owner of the database made of the history. Raises ``NotCanonical`` for an entry
    that cannot be sealed, ValueError for one of another tenant.
    """
    if head is not None and not chain_is_signed(tenant_id, head, keys):
        raise ForgedHead(f"the newest seal, number {head.seq}, does not carry our signature")
    seq, previous, sealed_at = 0, GENESIS, now
    if head is not None:
        seq, previous, sealed_at = head.seq, head.hash, max(now, head.sealed_at + _LATER)
    batch = list(entries)
    seals: list[Seal] = []
    for position, entry in enumerate(batch, start=1):
        if entry.tenant_id != tenant_id:
            raise ValueError("the entry belongs to another tenant")
        seq += 1
        content = content_hash(canonical(entry))
        previous = link_hash(tenant_id, seq, previous, content, sealed_at)
        signature = signer.key.sign(row_statement(tenant_id, seq, content, sealed_at))
        checkpoint = position == len(batch) or position % CHECKPOINT_EVERY == 0
        if checkpoint:
            signature += signer.key.sign(checkpoint_statement(tenant_id, seq, previous, sealed_at))
        seals.append(
            Seal(
                seq=seq,
                entry_id=entry.id,
                hash=previous,
                sealed_at=sealed_at,
                key_id=signer.key_id,
                signature=signature,
                checkpoint=checkpoint,
            )
        )
    return seals
