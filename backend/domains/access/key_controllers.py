"""`/api-keys`."""

from typing import Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from backend.domains.access.api_keys import KeyService
from backend.domains.access.key_tokens import KeyMaker
from backend.domains.access.refusals import audited_transaction
from backend.kernel.auth.permissions import requires_permission
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import ShownOnce
from backend.kernel.http.idempotency import keep_instead
from backend.kernel.http.operation import operation
from backend.kernel.http.paging import Cursor, Limit
from backend.kernel.http.problems import MEDIA_TYPE, body_of, request_id_of
from backend.kernel.http.requests import SignedInRequest
from module_sdk.api.access import ApiKey, ApiKeyCreate, ApiKeyMade
from module_sdk.api.base import Page

READ: Final = requires_permission("api_keys.read")
MANAGE: Final = requires_permission("api_keys.manage")
CREATE: Final = requires_permission("api_keys.manage", api_keys=False)


class KeysController(Controller):
    """Keys with which programs act for a member."""

    path = "/api-keys"
    tags = ("api-keys",)

    @operation("GET", operation_id="list_api_keys", gate=READ, summary="List API keys")
    async def list_keys(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ApiKey]:
        """The newest first, without secrets, those that are not good any more included."""
        async with db.transaction(tenant) as session:
            return await KeyService(session, tenant).page(cursor, limit)

    @operation(
        "POST",
        operation_id="create_api_key",
        gate=CREATE,
        idempotent=True,
        errors=(ShownOnce,),
        summary="Make an API key",
    )
    async def create(
        self,
        data: JSONBody[ApiKeyCreate],
        request: SignedInRequest,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        key_maker: NamedDependency[SkipValidation[KeyMaker]],
    ) -> ApiKeyMade:
        """With permissions of the caller's own. `secret` is shown this once; a repeated request gets `shown_once`."""
        async with audited_transaction(db, tenant, "create_api_key", "api_key:new") as session:
            made = await KeyService(session, tenant).create(data, key_maker)
        problem = ShownOnce(extra={"api_key_id": str(made.api_key.id)})
        keep_instead(request.scope, problem.status, MEDIA_TYPE, body_of(problem, request_id_of(request.scope)))
        return made

    @operation("DELETE", "/{api_key_id:uuid}", operation_id="revoke_api_key", gate=MANAGE, summary="Revoke an API key")
    async def revoke(
        self, api_key_id: FromPath[UUID], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> None:
        """Ends it at once; one that was revoked stays so."""
        async with audited_transaction(db, tenant, "revoke_api_key", f"api_key:{api_key_id}") as session:
            await KeyService(session, tenant).revoke(api_key_id)
