"""What was done or refused in a company, sealed, and whether it still is what was sealed."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from litestar import Router

from backend.domains.audit.adapters import AuditLogAdapter
from backend.domains.audit.controllers import AuditController, AuditVerificationController
from backend.domains.audit.exporting import Exporter
from backend.domains.audit.permissions import PERMISSIONS
from backend.domains.audit.verification import Verifications
from backend.domains.audit.words import ActionWords
from backend.kernel.audit.actions import Action
from backend.kernel.auth.permissions import Permission, StillPermitted
from backend.kernel.domain import Domain, Tag
from backend.kernel.foundation import Foundation
from backend.kernel.http.provide import provide
from backend.kernel.jobs.upkeep import Job

SEAL_EVERY = 1.0
VERIFY_EVERY = 600.0
"""How often is looked for logs that nobody verified for a day."""


class Audit(Domain):
    """``sealer`` and ``verifications`` are what its jobs are made of."""

    tags: ClassVar[Sequence[Tag]] = (Tag("audit", "What was done or refused, sealed, and how to prove it"),)
    permissions: ClassVar[Sequence[Permission]] = PERMISSIONS
    areas: ClassVar[Mapping[str, str]] = {"audit": "Audit log"}
    actions: ClassVar[Sequence[Action]] = (
        Action("audit.exported", "Audit log exported", "exported the audit log"),
        Action("audit.verified", "Audit log verified", "verified the audit log"),
    )
    guarded_tables: ClassVar[Sequence[str]] = ("audit_logs", "audit_pending", "audit_seals", "audit_verifications")

    def __init__(
        self, base: Foundation, *, log: AuditLogAdapter, permitted: StillPermitted, words: ActionWords
    ) -> None:
        self._base = base
        self._permitted = permitted
        self._words = words
        self.sealer = log.sealer
        self.verifications = Verifications(base.db, base.keyring, log.witness)

    @property
    def routers(self) -> Sequence[Router]:
        """The log and its verification."""
        exporter = Exporter(self._base.db, self._base.keyring, self._permitted)
        dependencies = provide(exporter=exporter, verifications=self.verifications, action_words=self._words)
        return [Router("/", route_handlers=[AuditController, AuditVerificationController], dependencies=dependencies)]

    @property
    def jobs(self) -> Sequence[Job]:
        """Sealing, and verifying every day."""
        return [
            Job("seal_waiting", SEAL_EVERY, self.sealer.seal_waiting),
            Job("verify_due", VERIFY_EVERY, self.verifications.verify_due),
        ]
