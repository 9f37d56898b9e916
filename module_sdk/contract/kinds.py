"""What a module is, by the methods it has."""

from typing import Final, Literal

from module_sdk.contract.module import BoardModule, ChatModule, MetricsModule, TaskModule
from module_sdk.contract.validation import ContractViolation

Kind = Literal["chat", "metrics", "board", "task"]
AnyModule = ChatModule | MetricsModule | BoardModule | TaskModule

_KINDS: Final[tuple[tuple[Kind, type[AnyModule]], ...]] = (
    ("chat", ChatModule),
    ("metrics", MetricsModule),
    ("board", BoardModule),
    ("task", TaskModule),
)


def kind_of(module: object) -> Kind:
    """What ``module`` is by the methods it has; raises :class:`ContractViolation` unless it is exactly one."""
    if isinstance(module, type):
        # A class has the attributes that a Protocol looks for, too.
        raise ContractViolation([("$", f"{module.__name__} is a class; an instance is wanted")])
    found = [kind for kind, protocol in _KINDS if isinstance(module, protocol)]
    if len(found) != 1:
        what = " and ".join(found) if found else "no kind of module"
        raise ContractViolation([("$", f"{type(module).__name__} must be exactly one kind of module; it is {what}")])
    return found[0]
