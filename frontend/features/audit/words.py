"""What people did, in sentences, made of the words that the API has for each action. Pure data and functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from module_sdk.api.audit import AuditAction


@dataclass(frozen=True)
class Saying:
    """The sentence after the actor: ``<verb> <thing> <tail>``; the latter two may be empty."""

    verb: str = ""
    thing: str = ""
    tail: str = ""


#: Of what an action is about: the part before its dot.
ICONS: Final[Mapping[str, str]] = {
    "company": "building-2",
    "member": "users",
    "invitation": "mail",
    "ownership": "crown",
    "role": "shield",
    "api_key": "key-round",
    "access": "ban",
    "chat": "message-square",
    "conversation": "messages-square",
    "board": "presentation",
    "audit": "scroll-text",
}
OTHER_ICON: Final = "activity"

#: What was tried, for the end of "tried to": one line for each operation that a permission or a rule can refuse.
ATTEMPTS: Final[Mapping[str, str]] = {
    "list_members": "see the members",
    "set_member_roles": "change a member's roles",
    "remove_member": "remove a member",
    "leave_team": "leave the company",
    "transfer_ownership": "hand over the ownership",
    "list_invitations": "see the open invitations",
    "invite": "invite somebody",
    "resend_invitation": "send an invitation again",
    "revoke_invitation": "withdraw an invitation",
    "accept_invitation": "accept an invitation",
    "list_permissions": "see the permissions",
    "list_roles": "see the roles",
    "read_role": "see a role",
    "create_role": "create a role",
    "change_role": "change a role",
    "delete_role": "delete a role",
    "list_api_keys": "see the API keys",
    "create_api_key": "create an API key",
    "revoke_api_key": "revoke an API key",
    "list_audit_entries": "read the audit log",
    "list_audit_actions": "see what can be on record",
    "export_audit_log": "export the audit log",
    "list_audit_checkpoints": "download the signed checkpoints",
    "read_audit_verification": "see whether the audit log is intact",
    "verify_audit_log": "verify the audit log",
    "list_executives": "see the executives",
    "chat": "ask an executive",
    "regenerate": "ask for another answer",
    "resume": "read an answer",
    "stop": "stop an answer",
    "list_conversations": "see their conversations",
    "read_conversation": "read a conversation",
    "rename_conversation": "rename a conversation",
    "delete_conversation": "delete a conversation",
    "list_messages": "read a conversation",
    "board_meeting": "convene the board",
    "dashboard": "see the dashboard",
    "read_tenant": "see the company",
    "change_tenant": "rename the company",
    "read_profile": "read the business profile",
    "save_profile": "save the business profile",
    "read_onboarding": "see how far the set-up is",
    "move_onboarding": "go on with setting up the company",
    "read_usage": "see the limits and their use",
    "request_deletion": "have the company deleted",
    "read_deletion": "see the planned deletion",
    "cancel_deletion": "call off the deletion of the company",
}
#: The rule that forbade it, by the code of the refusal.
RULES: Final[Mapping[str, str]] = {
    "permission_denied": "without holding every permission that it takes",
    "last_owner": "as the last owner, but a company keeps at least one",
    "role_built_in": "although it is a built-in role, which stays as it is",
    "invitation_for_another": "which was for another address",
    "email_unconfirmed": "before the address was confirmed",
}


def area_icon(action: str) -> str:
    """The icon of what ``action`` is about."""
    return ICONS.get(action.partition(".")[0], OTHER_ICON)


def say(found: AuditAction | None, action: str, resource: str, meta: Mapping[str, Any]) -> Saying:
    """What was done, for the end of a sentence; an action without words stands as it is."""
    if found is None:
        return Saying(action, resource)
    if action == "access.refused":
        return _refusal(found, resource, meta)
    thing = _text(meta.get(found.thing))
    if found.thing and not thing:
        return Saying(found.bare or found.verb, "" if found.bare else resource)
    return Saying(found.verb, thing, _tail(action, found, meta))


def _refusal(found: AuditAction, resource: str, meta: Mapping[str, Any]) -> Saying:
    kind, _, name = resource.partition(":")
    operation = _text(meta.get("operation")) or (name if kind == "operation" else "")
    rule = RULES.get(_text(meta.get("code")), "which is not allowed")
    why = "without permission" if "permission" in meta else rule
    tried = ATTEMPTS.get(operation, operation.replace("_", " "))
    return Saying("tried to", tried, why) if operation else Saying(found.verb)


def _tail(action: str, found: AuditAction, meta: Mapping[str, Any]) -> str:
    if found.roles and (roles := _text(meta.get(found.roles))):
        return f"as {roles}"
    if action in ("member.roles_changed", "role.changed"):
        changes = [f"{verb} {listed}" for verb in ("added", "removed") if (listed := _text(meta.get(verb)))]
        return f"({'; '.join(changes)})" if changes else ""
    if action == "company.profile_saved" and (changed := _text(meta.get("changed"))):
        return f"({changed.replace('_', ' ')})"
    if action == "audit.exported" and (form := _text(meta.get("format"))):
        return f"as {form.upper()}"
    return ""


def _text(value: Any) -> str:
    """A value of a meta in words, ``""`` for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return "" if value is None else str(value)


def meta_lines(meta: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The meta for reading: names without underscores, values in words."""
    return [(name.replace("_", " ").capitalize(), _text(value) or "nothing") for name, value in meta.items()]
