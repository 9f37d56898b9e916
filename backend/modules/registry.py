"""Which modules there are, and which of them answers a requirement."""

from collections.abc import Iterable
from typing import Literal, overload

from module_sdk.contract.capability import ModuleCapability
from module_sdk.contract.kinds import AnyModule, Kind, kind_of
from module_sdk.contract.module import BoardModule, ChatModule, MetricsModule, Module, TaskModule
from module_sdk.contract.validation import ContractViolation, conform
from module_sdk.contract.versions import is_compatible, parse_version


class RegistrationRefused(ValueError):
    """A module that cannot be taken: no kind or several, an invalid capability, or a place already taken."""


class CapabilityMissing(LookupError):
    """No registered module satisfies the requirement. ``known`` are the versions of that name there are."""

    def __init__(self, name: str, required: str, known: Iterable[str]) -> None:
        self.name, self.required, self.known = name, required, tuple(known)
        there = ", ".join(self.known) or "none"
        super().__init__(f"no module answers {name} {required}; registered: {there}")


class ModuleRegistry:
    """Modules by capability name and line of versions; see :attr:`module_sdk.contract.versions.Version.line`.

    One line has one module: two that are meant to replace each other would leave the choice to chance. An executive
    belongs to one capability name.
    """

    def __init__(self, modules: Iterable[AnyModule] = ()) -> None:
        self._modules: dict[tuple[str, tuple[int, int]], tuple[Kind, AnyModule]] = {}
        for module in modules:
            self.register(module)

    def register(self, module: AnyModule) -> None:
        """Takes ``module``; raises :class:`RegistrationRefused`."""
        try:
            kind = kind_of(module)
            capability = conform(module.capability, ModuleCapability)
        except ContractViolation as error:
            raise RegistrationRefused(f"{type(module).__name__} is invalid: {error}") from error
        place = capability.name, parse_version(capability.version).line
        if place in self._modules:
            taken = self._modules[place][1].capability.version
            raise RegistrationRefused(f"{capability.name} {capability.version} competes with {taken}")
        for other_kind, other in self._modules.values():
            if other.capability.name == capability.name and other_kind != kind:
                raise RegistrationRefused(f"{capability.name} is already a module of kind {other_kind}")
        if isinstance(module, ChatModule):
            self._check_executive(module)
        self._modules[place] = kind, module

    def _check_executive(self, module: ChatModule) -> None:
        for other in self.chat_modules():
            if other.executive == module.executive and other.capability.name != module.capability.name:
                raise RegistrationRefused(f"{module.executive} is already answered for by {other.capability.name}")

    @overload
    def resolve(self, name: str, required_version: str) -> AnyModule: ...
    @overload
    def resolve(self, name: str, required_version: str, kind: Literal["chat"]) -> ChatModule: ...
    @overload
    def resolve(self, name: str, required_version: str, kind: Literal["metrics"]) -> MetricsModule: ...
    @overload
    def resolve(self, name: str, required_version: str, kind: Literal["board"]) -> BoardModule: ...
    @overload
    def resolve(self, name: str, required_version: str, kind: Literal["task"]) -> TaskModule: ...
    def resolve(self, name: str, required_version: str, kind: Kind | None = None) -> AnyModule:
        """The highest module that satisfies the requirement; raises :class:`CapabilityMissing`.

        ``kind`` narrows the answer: a module of another kind does not satisfy. Raises :class:`ValueError` where
        ``required_version`` is no semantic version.
        """
        parse_version(required_version)
        named = [entry for (known, _), entry in self._modules.items() if known == name]
        fitting = [
            module
            for found, module in named
            if kind in (None, found) and is_compatible(module.capability.version, required_version)
        ]
        if not fitting:
            raise CapabilityMissing(name, required_version, (module.capability.version for _, module in named))
        return max(fitting, key=_precedence)

    def executive(self, key: str) -> ChatModule | None:
        """Who answers as the executive ``key``, in the highest version; ``None`` if nobody does."""
        return max((m for m in self.chat_modules() if m.executive == key), key=_precedence, default=None)

    def modules(self) -> tuple[AnyModule, ...]:
        """All of them, in the order of registration."""
        return tuple(module for _, module in self._modules.values())

    def chat_modules(self) -> tuple[ChatModule, ...]:
        """The executives, in the order of registration."""
        return tuple(module for module in self.modules() if isinstance(module, ChatModule))

    def metrics_modules(self) -> tuple[MetricsModule, ...]:
        """The sources of key figures, in the order of registration."""
        return tuple(module for module in self.modules() if isinstance(module, MetricsModule))

    def board_modules(self) -> tuple[BoardModule, ...]:
        """Those that hold board meetings, in the order of registration."""
        return tuple(module for module in self.modules() if isinstance(module, BoardModule))

    def task_modules(self) -> tuple[TaskModule, ...]:
        """Those that execute tasks, in the order of registration."""
        return tuple(module for module in self.modules() if isinstance(module, TaskModule))


def _precedence(module: Module) -> tuple[object, ...]:
    return parse_version(module.capability.version).precedence
