"""`/tenants/{tenant_id}/deletion` and `/erasure-receipts`."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from backend.domains.tenants.access import BY_PATH
from backend.domains.tenants.deletion import DeletionService, receipts, signed
from backend.domains.tenants.ports import Signer
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.paging import Cursor, Limit, decode_cursor, page_of
from module_sdk.api.base import Page
from module_sdk.api.tenants import Deletion, DeletionRequest, ErasureReceipt

READ: Final = requires_permission("company.read")
DELETE: Final = requires_permission("company.delete")


class DeletionController(Controller):
    """The deletion of one company, named by the path; anyone but its members gets `not_found`."""

    path = "/tenants/{tenant_id:uuid}/deletion"
    tags = ("tenants",)
    dependencies = BY_PATH

    @post(
        operation_id="request_deletion",
        summary="Ask for a company to be erased",
        guards=[DELETE],
        status_code=202,
        opt={"idempotent": True, "errors": ("deletion_requested",)},
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

    @get(operation_id="read_deletion", summary="Read the deletion that was asked for", guards=[READ])
    async def read(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> Deletion:
        """Who asked for it and when it is due; `not_found` if nobody did."""
        async with db.transaction(tenant) as session:
            return await DeletionService(session, tenant).deletion()

    @delete(operation_id="cancel_deletion", summary="Call a deletion off", guards=[DELETE])
    async def cancel(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> None:
        """The company stays; `not_found` if nobody asked for its deletion."""
        async with db.transaction(tenant) as session:
            await DeletionService(session, tenant).cancel()


class ReceiptsController(Controller):
    """What the signed-in person's erased companies left behind."""

    path = "/erasure-receipts"
    tags = ("tenants",)

    @get(operation_id="list_erasure_receipts", summary="List my erasure receipts", guards=[requires_person()])
    async def list_mine(
        self,
        principal: NamedDependency[Principal],
        db: NamedDependency[Database],
        receipt_signer: NamedDependency[SkipValidation[Signer]],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ErasureReceipt]:
        """Of companies that were erased because the person asked for it, newest first; each is signed."""
        before = decode_cursor(cursor, UUID)
        async with db.transaction(principal.context) as session:
            found = await receipts(session, principal.user_id, limit + 1, before)
        page = page_of(found, limit, lambda item: item.id, lambda item: item)
        return Page(items=await signed(page.items, receipt_signer), next_cursor=page.next_cursor)
