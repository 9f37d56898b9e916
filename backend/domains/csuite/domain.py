"""Executives: their conversations with people, and the board."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from litestar import Router

from backend.domains.csuite.answer import ENDINGS
from backend.domains.csuite.controllers import BoardController, ChatController, ConversationsController
from backend.domains.csuite.ledger import AnswerLedger, Answers
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
from backend.kernel.runs.follower import Follower
from backend.modules.registry import ModuleRegistry

SETTLE_EVERY = 2.0
DRAIN_SECONDS = 5.0


class CSuite(Domain):
    """``answers`` are those being written in one process."""

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
        self.provider = create_provider(base.settings.llm)
        self._ledger = AnswerLedger(base.db, self.provider.name)
        self.answers = Answers(base.tenant_keys, base.event_log, self._ledger)

    @property
    def routers(self) -> Sequence[Router]:
        """Chat, conversations and the board."""
        dependencies = provide(
            companies=self._companies,
            modules=self._modules,
            provider=self.provider,
            answers=self.answers,
            follower=self.follower(self._permitted),
        )
        controllers = [ChatController, ConversationsController, BoardController]
        return [Router("/", route_handlers=controllers, dependencies=dependencies)]

    def follower(self, permitted: StillPermitted) -> Follower:
        """Gives answers to readers for as long as they are ``permitted``."""
        base = self._base
        return Follower(
            base.tenant_keys, base.event_log, self.answers, self._ledger, endings=ENDINGS, permitted=permitted
        )

    @property
    def jobs(self) -> Sequence[Job]:
        """The end of answers whose process was lost."""
        return [Job("settle_abandoned", SETTLE_EVERY, self.answers.settle_lost)]

    async def close(self) -> None:
        """Let answers end."""
        await self.answers.drain(DRAIN_SECONDS)
        await self.provider.close()
