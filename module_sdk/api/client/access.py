"""Team, roles, invitations and API keys of one tenant."""

from uuid import UUID

from module_sdk.api.access import (
    ApiKey,
    ApiKeyCreate,
    ApiKeyMade,
    Invitation,
    InvitationCreate,
    InvitationSent,
    Member,
    MemberRoles,
    OwnershipTransfer,
    Permission,
    Role,
    RoleCreate,
    RolePatch,
)
from module_sdk.api.base import Page
from module_sdk.api.client.transport import Call, Transport, idempotency, route


class AccessClient:
    """Made by :class:`TenantClient` as ``access``; raises :class:`ApiError` with ``permission_denied`` at its gates."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def permissions(self) -> Page[Permission]:
        """Everything that one may be allowed to do, in the order in which it is shown."""
        return await self._transport.fetch(Page[Permission], Call(method="GET", path="/permissions"))

    async def roles(self) -> Page[Role]:
        """Every role on one page, the highest first."""
        return await self._transport.fetch(Page[Role], Call(method="GET", path="/roles"))

    async def role(self, key: str) -> Role:
        """One role."""
        return await self._transport.fetch(Role, Call(method="GET", path=route("roles", key)))

    async def create_role(self, body: RoleCreate, *, idempotency_key: str | None = None) -> Role:
        """Makes or copies a role."""
        call = Call(method="POST", path="/roles", body=body, headers=idempotency(idempotency_key))
        return await self._transport.fetch(Role, call)

    async def change_role(self, key: str, body: RolePatch) -> Role:
        """Renames a role or changes what it allows."""
        return await self._transport.fetch(Role, Call(method="PATCH", path=route("roles", key), body=body))

    async def delete_role(self, key: str) -> None:
        """Deletes a role that nobody uses."""
        await self._transport.exchange(Call(method="DELETE", path=route("roles", key)))

    async def members(self, *, cursor: str | None = None, limit: int | None = None) -> Page[Member]:
        """Members by name."""
        query = {"cursor": cursor, "limit": limit}
        return await self._transport.fetch(Page[Member], Call(method="GET", path="/team/members", query=query))

    async def set_roles(self, user_id: UUID, body: MemberRoles) -> Member:
        """Replaces a member's roles."""
        call = Call(method="PUT", path=route("team", "members", user_id, "roles"), body=body)
        return await self._transport.fetch(Member, call)

    async def remove_member(self, user_id: UUID) -> None:
        """Removes a member."""
        await self._transport.exchange(Call(method="DELETE", path=route("team", "members", user_id)))

    async def leave(self) -> None:
        """Leaves the company."""
        await self._transport.exchange(Call(method="POST", path="/team/leave"))

    async def transfer_ownership(self, body: OwnershipTransfer) -> Member:
        """Makes another member owner in the caller's place; returns them."""
        return await self._transport.fetch(Member, Call(method="POST", path="/team/ownership", body=body))

    async def invitations(self, *, cursor: str | None = None, limit: int | None = None) -> Page[Invitation]:
        """Invitations that were not taken, newest first."""
        query = {"cursor": cursor, "limit": limit}
        return await self._transport.fetch(Page[Invitation], Call(method="GET", path="/team/invitations", query=query))

    async def invite(self, body: InvitationCreate, *, idempotency_key: str | None = None) -> InvitationSent:
        """Invites somebody."""
        call = Call(method="POST", path="/team/invitations", body=body, headers=idempotency(idempotency_key))
        return await self._transport.fetch(InvitationSent, call)

    async def resend_invitation(self, invitation_id: UUID, *, idempotency_key: str | None = None) -> InvitationSent:
        """Sends an invitation again with a new link; the old one ends."""
        path = route("team", "invitations", invitation_id, "resend")
        call = Call(method="POST", path=path, headers=idempotency(idempotency_key))
        return await self._transport.fetch(InvitationSent, call)

    async def revoke_invitation(self, invitation_id: UUID) -> None:
        """Withdraws an invitation."""
        await self._transport.exchange(Call(method="DELETE", path=route("team", "invitations", invitation_id)))

    async def api_keys(self, *, cursor: str | None = None, limit: int | None = None) -> Page[ApiKey]:
        """API keys, newest first, those that are not good any more included."""
        query = {"cursor": cursor, "limit": limit}
        return await self._transport.fetch(Page[ApiKey], Call(method="GET", path="/api-keys", query=query))

    async def create_api_key(self, body: ApiKeyCreate, *, idempotency_key: str | None = None) -> ApiKeyMade:
        """Makes a key; its secret is in this answer and nowhere else."""
        call = Call(method="POST", path="/api-keys", body=body, headers=idempotency(idempotency_key))
        return await self._transport.fetch(ApiKeyMade, call)

    async def revoke_api_key(self, api_key_id: UUID) -> None:
        """Ends a key at once."""
        await self._transport.exchange(Call(method="DELETE", path=route("api-keys", api_key_id)))
