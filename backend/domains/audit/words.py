"""What can stand in an audit log, in words: everything that the product's domains declare."""

from collections.abc import Iterable, Mapping

from backend.kernel.audit.actions import Action
from module_sdk.api.audit import AuditAction


class ActionWords:
    """``areas`` are the names of what actions are about."""

    def __init__(self, areas: Mapping[str, str], actions: Iterable[Action]) -> None:
        self.actions = [
            AuditAction(
                key=action.key,
                area=areas[action.area],
                title=action.title,
                verb=action.verb,
                thing=action.thing,
                bare=action.bare,
                roles=action.roles,
            )
            for action in actions
        ]
