"""`/tenants/{tenant_id}/deletion` and `/erasure-receipts`."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from backend.domains.tenants.deletion import DeletionService, receipts, signed
from backend.domains.tenants.errors import DeletionRequested
from backend.domains.tenants.ports import ReceiptSigner
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.operation import operation
from backend.kernel.http.paging import Cursor, Limit, decode_cursor, page_of
from backend.kernel.http.tenant import BY_PATH
from module_sdk.api.base import Page
from module_sdk.api.tenants import Deletion, DeletionRequest, ErasureReceipt

READ: Final = requires_permission("company.read")
DELETE: Final = requires_permission("company.delete")


class DeletionController(Controller):
    """The deletion of one company, named by the path; anyone but its members gets `not_found`."""

    path = "/tenants/{tenant_id:uuid}/deletion"
    tags = ("tenants",)
    dependencies = BY_PATH

    @operation(
        "POST",
        operation_id="request_deletion",
        gate=DELETE,
        status=202,
        idempotent=True,
        errors=(DeletionRequested,),
        summary="Ask for a company to be erased",
    )
    async def request(
        self,
        data: JSONBody[DeletionRequest],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        company_grace: NamedDependency[timedelta],
    ) -> Deletion:
        """It goes on working until `erase_after`. Then its rows and keys are gone for good."""
        async with db.transaction(tenant) as session:
            return await DeletionService(session, tenant).request(data, company_grace)

    @operation("GET", operation_id="read_deletion", gate=READ, summary="Read the deletion that was asked for")
    async def read(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> Deletion:
        """Who asked for it and when it is due; `not_found` if nobody did."""
        async with db.transaction(tenant) as session:
            return await DeletionService(session, tenant).deletion()

    @operation("DELETE", operation_id="cancel_deletion", gate=DELETE, summary="Call a deletion off")
    async def cancel(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> None:
        """The company stays; `not_found` if nobody asked for its deletion."""
        async with db.transaction(tenant) as session:
            await DeletionService(session, tenant).cancel()


class ReceiptsController(Controller):
    """What the signed-in person's erased companies left behind."""

    path = "/erasure-receipts"
    tags = ("tenants",)

    @operation("GET", operation_id="list_erasure_receipts", gate=requires_person(), summary="List my erasure receipts")
    async def list_mine(
        self,
        principal: NamedDependency[Principal],
        db: NamedDependency[Database],
        receipt_signer: NamedDependency[SkipValidation[ReceiptSigner]],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ErasureReceipt]:
        """Of companies that were erased because the person asked for it, newest first; each is signed."""
        before = decode_cursor(cursor, UUID)
        async with db.transaction(principal.context) as session:
            found = await receipts(session, principal.user_id, limit + 1, before)
        page = page_of(found, limit, lambda item: item.id, lambda item: item)
        return Page(items=await signed(page.items, receipt_signer), next_cursor=page.next_cursor)
