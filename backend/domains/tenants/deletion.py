"""Rules of deleting a company: asked for with its name typed, called off until it is due, and then receipts."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.deletion_repository import DeletionRepository
from backend.domains.tenants.errors import DeletionRequested
from backend.domains.tenants.models import DeletionRow, ReceiptRow
from backend.domains.tenants.ports import ReceiptSigner
from backend.kernel.audit.recording import record
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound, ValidationFailed
from module_sdk.api.problems import FieldError
from module_sdk.api.tenants import Deletion, DeletionRequest, ErasureReceipt

STATEMENT: Final = b"ocsuite.erasure.receipt/1\n"
_encoder: Final = msgspec.json.Encoder(order="sorted")


class DeletionService:
    """What a member may do about the deletion of one company."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._repository = DeletionRepository(session)
        self._context = context
        self._tenant_id = context.tenant_id

    async def request(self, body: DeletionRequest, grace: timedelta) -> Deletion:
        """Ask for the company to be erased after ``grace``.

        Raises ``ValidationFailed`` unless the confirmation is the company's short name, ``DeletionRequested``.
        """
        if self._context.user_id is None:
            raise ValueError("a deletion is asked for by a person")
        if body.confirmation != await self._repository.slug(self._tenant_id):
            message = "Must be the short name of this company"
            raise ValidationFailed(errors=[FieldError(path="$.confirmation", message=message)])
        row = await self._repository.insert(self._tenant_id, self._context.user_id, grace)
        if row is None:
            raise DeletionRequested
        await self._record("company.deletion_requested", {"erase_after": row.erase_after.isoformat()})
        return _deletion(row)

    async def deletion(self) -> Deletion:
        """The deletion that was asked for; raises ``NotFound``."""
        row = await self._repository.deletion(self._tenant_id)
        if row is None:
            raise NotFound
        return _deletion(row)

    async def cancel(self) -> None:
        """Call the deletion off; raises ``NotFound``."""
        if not await self._repository.delete(self._tenant_id):
            raise NotFound
        await self._record("company.deletion_cancelled", {})

    async def _record(self, action: str, meta: dict[str, str]) -> None:
        await record(self._session, action, f"company:{self._tenant_id}", {**meta})


async def receipts(session: AsyncSession, user_id: UUID, limit: int, before: UUID | None) -> list[ErasureReceipt]:
    """A person's receipts, newest first, not signed yet."""
    return [_receipt(row) for row in await DeletionRepository(session).receipts(user_id, limit, before)]


async def signed(unsigned: Sequence[ErasureReceipt], signer: ReceiptSigner) -> list[ErasureReceipt]:
    """The receipts with ``key_id`` and ``signature``; raises ``Unavailable``."""
    key_id, signatures = await signer.sign([statement(receipt) for receipt in unsigned])
    return [
        msgspec.structs.replace(receipt, key_id=key_id, signature=b64encode(signature).decode())
        for receipt, signature in zip(unsigned, signatures, strict=True)
    ]


def statement(receipt: ErasureReceipt) -> bytes:
    """What the signature is over: a heading, then the receipt as served, without ``key_id`` and ``signature``.

    Its JSON has the keys of every object in the order of their code points and no blanks, in UTF-8.
    """
    fields = msgspec.structs.asdict(receipt)
    del fields["key_id"], fields["signature"]
    return STATEMENT + _encoder.encode(fields)


def _deletion(row: DeletionRow) -> Deletion:
    return msgspec.convert(row, Deletion, from_attributes=True)


def _receipt(row: ReceiptRow) -> ErasureReceipt:
    return ErasureReceipt(
        id=row.id,
        tenant_id=row.erased_tenant_id,
        tenant_name=row.erased_tenant_name,
        requested_at=row.requested_at,
        erased_at=row.erased_at,
        rows=row.rows,
        keys=row.rows["tenant_keys"],
        audit_seq=row.audit_seq,
        audit_hash=row.audit_hash.hex(),
        key_id="",
        signature="",
    )
