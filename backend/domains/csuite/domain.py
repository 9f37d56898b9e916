"""Executives: their conversations with people, and the board."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from litestar import Router

from backend.domains.csuite.controllers import BoardController, ChatController, ConversationsController
from backend.domains.csuite.follow import Follower
from backend.domains.csuite.generation import Generator
from backend.domains.csuite.permissions import PERMISSIONS
from backend.domains.csuite.providers.factory import create_provider
from backend.domains.csuite.rates import RATES
from backend.domains.tenants.ports import Companies
from backend.kernel.audit.actions import Action
from backend.kernel.auth.permissions import Permission, StillPermitted
from backend.kernel.domain import Domain, Tag
from backend.kernel.foundation import Foundation
from backend.kernel.http.provide import provide
from backend.kernel.jobs.upkeep import Job
from backend.kernel.limits.policies import Policy
from backend.modules.registry import ModuleRegistry

SETTLE_EVERY = 2.0
DRAIN_SECONDS = 5.0


class CSuite(Domain):
    """``generator`` writes the answers of one process."""

    tags: ClassVar[Sequence[Tag]] = (Tag("c-suite", "Conversations with executives, and the board meeting"),)
    permissions: ClassVar[Sequence[Permission]] = PERMISSIONS
    areas: ClassVar[Mapping[str, str]] = {"chat": "Chat", "conversation": "Conversations", "board": "Board"}
    actions: ClassVar[Sequence[Action]] = (
        Action("chat.asked", "Question asked", "asked an executive"),
        Action("chat.asked_again", "Answer asked for again", "asked for another answer"),
        Action("chat.stopped", "Answer stopped", "stopped an answer"),
        Action("conversation.renamed", "Conversation renamed", "renamed a conversation"),
        Action("conversation.deleted", "Conversation deleted", "deleted a conversation"),
        Action("board.convened", "Board convened", "convened the board"),
    )
    rates: ClassVar[Sequence[Policy]] = RATES

    def __init__(
        self, base: Foundation, *, companies: Companies, modules: ModuleRegistry, permitted: StillPermitted
    ) -> None:
        self._base = base
        self._companies = companies
        self._modules = modules
        self._permitted = permitted
        self.generator = Generator(base.db, base.tenant_keys, base.stream_log, create_provider(base.settings.llm))

    @property
    def routers(self) -> Sequence[Router]:
        """Chat, conversations and the board."""
        base = self._base
        follower = Follower(base.db, base.tenant_keys, base.stream_log, self.generator, self._permitted)
        dependencies = provide(
            companies=self._companies, modules=self._modules, generator=self.generator, follower=follower
        )
        controllers = [ChatController, ConversationsController, BoardController]
        return [Router("/", route_handlers=controllers, dependencies=dependencies)]

    @property
    def jobs(self) -> Sequence[Job]:
        """The end of answers whose generator was lost."""
        return [Job("settle_abandoned", SETTLE_EVERY, self.generator.settle_abandoned)]

    async def close(self) -> None:
        """Let answers end."""
        await self.generator.drain(DRAIN_SECONDS)
