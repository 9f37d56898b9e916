"""What can go wrong with roles, members, invitations and API keys."""

from collections.abc import Iterable
from typing import Final

from backend.domains.access.ports import LastOwner
from backend.kernel.errors import Conflict, Forbidden, PermissionDenied, ProblemError


class AlreadyMember(Conflict):
    """Whoever is invited belongs to the company."""

    default_code, default_title = "already_member", "This person is a member already"


class AlreadyInvited(Conflict):
    """An invitation to this address is open; it can be sent again."""

    default_code, default_title = "already_invited", "This address has an open invitation, which can be sent again"


class RoleTaken(Conflict):
    """Another role has this name or key."""

    default_code, default_title = "role_taken", "The company has a role of this name already"


class RoleBuiltIn(Conflict):
    """Built-in roles are the product's."""

    default_code, default_title = "role_built_in", "Built-in roles cannot be changed; copy the role and change the copy"


class RoleInUse(Conflict):
    """Members or invitations have the role; ``extra`` counts them."""

    default_code, default_title = "role_in_use", "This role is in use"


class InvitationInvalid(ProblemError):
    """Unknown, used, expired or revoked, on purpose indistinguishable."""

    default_status, default_code, default_title = 410, "invitation_invalid", "This invitation is not valid any more"


class InvitationForAnother(Forbidden):
    """The invitation is for an address that the signed-in person does not have; ``extra.email`` hints at it."""

    default_code, default_title = "invitation_for_another", "This invitation is for another e-mail address"


class EmailUnconfirmed(Forbidden):
    """Something that depends on an address waits until its owner has followed the link that was sent there."""

    default_code, default_title = "email_unconfirmed", "The e-mail address has not been confirmed yet"


RULES: Final = (Forbidden, LastOwner, RoleBuiltIn)
"""Refusals that go on record: somebody tried what a rule forbids them."""


def exceeds(missing: Iterable[str]) -> PermissionDenied:
    """The refusal of a person who would give, take or manage what they do not hold."""
    names = sorted(missing)
    return PermissionDenied(
        f"You can only give, take and manage what you hold yourself; you do not hold {', '.join(names)}.",
        extra={"permissions": names},
    )
