"""Who may do what in a company: members, invitations, roles and API keys; and the gate that holds it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from litestar import Router

from backend.domains.access.invitation_controllers import InvitationsController, InvitedController
from backend.domains.access.invitation_mail import InvitationPost
from backend.domains.access.key_controllers import KeysController
from backend.domains.access.key_tokens import KeyMaker
from backend.domains.access.permissions import PERMISSIONS
from backend.domains.access.role_controllers import RolesController
from backend.domains.access.team_controllers import TeamController
from backend.domains.identity.ports import Addresses
from backend.domains.tenants.ports import Memberships
from backend.kernel.audit.actions import Action
from backend.kernel.auth.permissions import Permission
from backend.kernel.domain import Domain, Tag
from backend.kernel.foundation import Foundation
from backend.kernel.http.provide import provide
from backend.kernel.mail.mailer import create_mailer


class Access(Domain):
    """``key_maker`` makes API keys, and knows those that this installation made."""

    tags: ClassVar[Sequence[Tag]] = (
        Tag("team", "Members, their roles, invitations and ownership"),
        Tag("roles", "Roles and the permissions that they consist of"),
        Tag("api-keys", "Keys for programs"),
    )
    permissions: ClassVar[Sequence[Permission]] = PERMISSIONS
    areas: ClassVar[Mapping[str, str]] = {
        "member": "Members",
        "invitation": "Invitations",
        "ownership": "Ownership",
        "role": "Roles",
        "api_key": "API keys",
        "access": "Refused requests",
    }
    actions: ClassVar[Sequence[Action]] = (
        Action("member.invited", "Member invited", "invited", "email", "invited somebody", "roles"),
        Action("member.joined", "Member joined", "joined the company", roles="roles"),
        Action("member.roles_changed", "Member's roles changed", "changed the roles of", "name", "changed roles"),
        Action("member.removed", "Member removed", "removed", "name", "removed a member"),
        Action("member.left", "Member left", "left the company"),
        Action("invitation.resent", "Invitation sent again", "sent an invitation again to", "email"),
        Action("invitation.revoked", "Invitation withdrawn", "withdrew the invitation for", "email"),
        Action("ownership.transferred", "Ownership handed over", "handed ownership to", "name"),
        Action("role.created", "Role created", "created the role", "name"),
        Action("role.changed", "Role changed", "changed the role", "name"),
        Action("role.deleted", "Role deleted", "deleted the role", "name"),
        Action("api_key.created", "API key created", "created the API key", "name"),
        Action("api_key.revoked", "API key revoked", "revoked the API key", "name"),
        Action("access.refused", "Request refused", "was refused a request"),
    )
    guarded_tables: ClassVar[Sequence[str]] = (
        "tenant_members",
        "roles",
        "role_permissions",
        "member_roles",
        "invitations",
        "invitation_roles",
        "api_keys",
    )

    def __init__(self, base: Foundation, *, memberships: Memberships, addresses: Addresses) -> None:
        self._base = base
        self._memberships = memberships
        self._addresses = addresses
        self.key_maker = KeyMaker(base.keyring)

    @property
    def routers(self) -> Sequence[Router]:
        """Team, invitations, roles and keys."""
        settings = self._base.settings
        dependencies = provide(
            key_maker=self.key_maker,
            memberships=self._memberships,
            addresses=self._addresses,
            post_office=InvitationPost(create_mailer(settings), settings.web_url),
        )
        controllers = [TeamController, InvitationsController, InvitedController, RolesController, KeysController]
        return [Router("/", route_handlers=controllers, dependencies=dependencies)]
