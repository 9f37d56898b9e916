"""What people did, in words: one line for each action of the audit log. Pure data and functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class ActionWords:
    """``title`` stands in the filter; ``verb`` follows the actor's name; ``thing`` and ``roles`` name keys of the meta.

    ``bare`` takes the verb's place where the meta does not say what the thing is called.
    """

    title: str
    verb: str
    thing: str = ""
    bare: str = ""
    roles: str = ""


@dataclass(frozen=True)
class Saying:
    """The sentence after the actor: ``<verb> <thing> <tail>``; the latter two may be empty."""

    verb: str = ""
    thing: str = ""
    tail: str = ""


#: Areas in the order of the filter: the part of an action before its dot, what it is called, its icon.
AREAS: Final[Mapping[str, tuple[str, str]]] = {
    "company": ("Company", "building-2"),
    "member": ("Members", "users"),
    "invitation": ("Invitations", "mail"),
    "ownership": ("Ownership", "crown"),
    "role": ("Roles", "shield"),
    "api_key": ("API keys", "key-round"),
    "access": ("Refused requests", "ban"),
    "chat": ("Chat", "message-square"),
    "conversation": ("Conversations", "messages-square"),
    "board": ("Board", "presentation"),
    "audit": ("Audit log", "scroll-text"),
}
OTHER_ICON: Final = "activity"

ACTIONS: Final[Mapping[str, ActionWords]] = {
    "company.created": ActionWords("Company created", "created the company", "name"),
    "company.renamed": ActionWords("Company renamed", "renamed the company to", "name", "changed the short name"),
    "company.profile_saved": ActionWords("Profile saved", "saved the business profile"),
    "company.onboarding_moved": ActionWords("Set-up continued", "went on with setting up the company"),
    "company.deletion_requested": ActionWords("Deletion asked for", "asked for the company to be deleted"),
    "company.deletion_cancelled": ActionWords("Deletion called off", "called off the deletion of the company"),
    "member.invited": ActionWords("Member invited", "invited", "email", "invited somebody", "roles"),
    "member.joined": ActionWords("Member joined", "joined the company", roles="roles"),
    "member.roles_changed": ActionWords("Member's roles changed", "changed the roles of", "name", "changed roles"),
    "member.removed": ActionWords("Member removed", "removed", "name", "removed a member"),
    "member.left": ActionWords("Member left", "left the company"),
    "invitation.resent": ActionWords("Invitation sent again", "sent an invitation again to", "email"),
    "invitation.revoked": ActionWords("Invitation withdrawn", "withdrew the invitation for", "email"),
    "ownership.transferred": ActionWords("Ownership handed over", "handed ownership to", "name"),
    "role.created": ActionWords("Role created", "created the role", "name"),
    "role.changed": ActionWords("Role changed", "changed the role", "name"),
    "role.deleted": ActionWords("Role deleted", "deleted the role", "name"),
    "api_key.created": ActionWords("API key created", "created the API key", "name"),
    "api_key.revoked": ActionWords("API key revoked", "revoked the API key", "name"),
    "access.refused": ActionWords("Request refused", "was refused a request"),
    "chat.asked": ActionWords("Question asked", "asked an executive"),
    "chat.asked_again": ActionWords("Answer asked for again", "asked for another answer"),
    "chat.stopped": ActionWords("Answer stopped", "stopped an answer"),
    "conversation.renamed": ActionWords("Conversation renamed", "renamed a conversation"),
    "conversation.deleted": ActionWords("Conversation deleted", "deleted a conversation"),
    "board.convened": ActionWords("Board convened", "convened the board"),
    "audit.exported": ActionWords("Audit log exported", "exported the audit log"),
    "audit.verified": ActionWords("Audit log verified", "verified the audit log"),
}


def area_icon(action: str) -> str:
    """The icon of what ``action`` is about."""
    return AREAS.get(action.partition(".")[0], ("", OTHER_ICON))[1]


def say(action: str, resource: str, meta: Mapping[str, Any]) -> Saying:
    """What was done, for the end of a sentence; an action that is not known here stands as it is."""
    found = ACTIONS.get(action)
    if found is None:
        return Saying(action, resource)
    if action == "access.refused":
        return _refusal(found, resource, meta)
    thing = _text(meta.get(found.thing))
    if found.thing and not thing:
        return Saying(found.bare or found.verb, "" if found.bare else resource)
    return Saying(found.verb, thing, _tail(action, found, meta))


def _refusal(found: ActionWords, resource: str, meta: Mapping[str, Any]) -> Saying:
    kind, _, name = resource.partition(":")
    operation = _text(meta.get("operation")) or (name if kind == "operation" else "")
    why = "without permission" if "permission" in meta else "against a rule"
    return Saying("tried to", operation.replace("_", " "), why) if operation else Saying(found.verb)


def _tail(action: str, found: ActionWords, meta: Mapping[str, Any]) -> str:
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
