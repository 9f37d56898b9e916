"""What the access domain declares."""

from typing import Final

from backend.kernel.auth.permissions import ADMINS, EVERYBODY, OWNER, Permission

PERMISSIONS: Final = (
    Permission("members.read", "See the team", "Names, addresses and roles of members.", EVERYBODY),
    Permission("members.invite", "Invite people", "Make, send and withdraw invitations.", ADMINS),
    Permission("members.update", "Change members' roles", "Give and take roles that one holds oneself.", ADMINS),
    Permission("members.remove", "Remove members", "Remove whoever holds no more than oneself.", ADMINS),
    Permission("ownership.transfer", "Hand over ownership", "Make another member owner in one's place.", (OWNER,)),
    Permission("roles.read", "See roles", "Which roles there are and what they allow.", EVERYBODY),
    Permission("roles.manage", "Manage roles", "Make, change and delete the company's own roles.", ADMINS),
    Permission("api_keys.read", "See API keys", "Which keys there are, without their secrets.", ADMINS),
    Permission("api_keys.manage", "Manage API keys", "Make and revoke keys.", ADMINS),
)
