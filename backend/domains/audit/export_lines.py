"""The lines of an exported audit log, format ``ocsuite.audit/1``: JSON that can be verified with nothing but the file.

- First the header, ``{"format","tenant_id","exported_at","filters","keys"}``; a complete export has null ``filters``.
- Then a line for each entry in order of ``seq``, ``{"entry","seal"}``. ``entry`` is the canonical JSON, byte for byte
  what was hashed. ``seal`` has ``seq``, ``previous`` and ``hash`` (hexadecimal), ``sealed_at``, ``key_id``,
  ``signature`` and ``chain_signature`` (base64, the latter null unless the row is a checkpoint); it is null for entries
  that are not sealed yet, which come last.
- Last the trailer, ``{"trailer":{"checkpoint","sealed","waiting"}}``, with the newest checkpoint and the counts.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from backend.domains.audit.chain import SIGNATURE_BYTES, Entry, Seal, canonical, timestamp
from module_sdk.api.audit import AuditCheckpoint, AuditKey

FORMAT: Final[Literal["ocsuite.audit/1"]] = "ocsuite.audit/1"

_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: Literal["ocsuite.audit/1"]
    tenant_id: UUID
    exported_at: datetime
    filters: dict[str, Any] | None
    keys: list[AuditKey]


class Trailer(msgspec.Struct, frozen=True, kw_only=True):
    """The last line; ``checkpoint`` is None if nothing was ever sealed."""

    checkpoint: AuditCheckpoint | None
    sealed: int
    waiting: int


class SealLine(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The seal of an entry as it stands in the file."""

    seq: _Seq
    previous: _Hash
    hash: _Hash
    sealed_at: datetime
    key_id: str
    signature: bytes
    chain_signature: bytes | None


class Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any line but the first."""

    entry: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    seal: SealLine | None = None
    trailer: Trailer | None = None


_encoder: Final = msgspec.json.Encoder()


def header_line(
    tenant_id: UUID, keys: Sequence[AuditKey], *, exported_at: datetime, filters: Mapping[str, Any] | None
) -> bytes:
    """The first line; ``keys`` are all that sealed an entry of the export, ``filters`` None if nothing is left out."""
    chosen = None if filters is None else dict(filters)
    header = Header(format=FORMAT, tenant_id=tenant_id, exported_at=exported_at, filters=chosen, keys=list(keys))
    return _encoder.encode(header) + b"\n"


def entry_line(entry: Entry, seal: Seal, previous: bytes) -> bytes:
    """A sealed entry. ``previous`` is the hash of the seal before, ``GENESIS`` for the first.

    Raises ``NotCanonical``.
    """
    line = {
        "seq": seal.seq,
        "previous": previous.hex(),
        "hash": seal.hash.hex(),
        "sealed_at": timestamp(seal.sealed_at),
        "key_id": seal.key_id,
        "signature": b64encode(seal.signature[:SIGNATURE_BYTES]).decode(),
        "chain_signature": b64encode(seal.signature[SIGNATURE_BYTES:]).decode() if seal.checkpoint else None,
    }
    return b'{"entry":' + canonical(entry) + b',"seal":' + _encoder.encode(line) + b"}\n"


def waiting_line(entry: Entry) -> bytes:
    """An entry that is not sealed yet. Raises ``NotCanonical``."""
    return b'{"entry":' + canonical(entry) + b',"seal":null}\n'


def trailer_line(checkpoint: AuditCheckpoint | None, *, sealed: int, waiting: int) -> bytes:
    """The last line; ``checkpoint`` is that of the last row of a complete export, the chain's newest otherwise."""
    return _encoder.encode({"trailer": Trailer(checkpoint=checkpoint, sealed=sealed, waiting=waiting)}) + b"\n"
