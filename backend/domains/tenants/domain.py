"""Companies, their profile, limits and end."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Protocol

from litestar import Router

from backend.domains.tenants.controllers import TenantController, TenantsController
from backend.domains.tenants.deletion_controllers import DeletionController, ReceiptsController
from backend.domains.tenants.erasure import ERASE_SECONDS, Eraser
from backend.domains.tenants.permissions import PERMISSIONS
from backend.domains.tenants.ports import AuditLog, ReceiptSigner
from backend.kernel.audit.actions import Action
from backend.kernel.auth.permissions import Permission
from backend.kernel.domain import Domain, Tag
from backend.kernel.foundation import Foundation
from backend.kernel.http.provide import provide
from backend.kernel.jobs.upkeep import Job

ERASE_EVERY = 60.0


class SealedLog(AuditLog, ReceiptSigner, Protocol):
    """The audit log whole."""


class Tenants(Domain):
    """``eraser`` is what its job is made of."""

    tags: ClassVar[Sequence[Tag]] = (Tag("tenants", "Companies, their profile, onboarding, limits and use"),)
    permissions: ClassVar[Sequence[Permission]] = PERMISSIONS
    areas: ClassVar[Mapping[str, str]] = {"company": "Company"}
    actions: ClassVar[Sequence[Action]] = (
        Action("company.created", "Company created", "created the company", "name"),
        Action("company.renamed", "Company renamed", "renamed the company to", "name", "changed the short name"),
        Action("company.profile_saved", "Profile saved", "saved the business profile"),
        Action("company.onboarding_moved", "Set-up continued", "went on with setting up the company"),
        Action("company.deletion_requested", "Deletion asked for", "asked for the company to be deleted"),
        Action("company.deletion_cancelled", "Deletion called off", "called off the deletion of the company"),
    )
    guarded_tables: ClassVar[Sequence[str]] = ("tenants", "tenant_deletions")

    def __init__(self, base: Foundation, *, audit_log: SealedLog) -> None:
        self._base = base
        self._audit_log = audit_log

    @cached_property
    def eraser(self) -> Eraser:
        """Erases with a connection of its own, which waits as long as that takes."""
        patient = self._base.database(1, command_seconds=ERASE_SECONDS)
        return Eraser(patient, self._base.tenant_keys, self._audit_log)

    @property
    def routers(self) -> Sequence[Router]:
        """Companies, and what their end leaves behind."""
        settings = self._base.settings
        controllers = [TenantsController, TenantController, DeletionController, ReceiptsController]
        dependencies = provide(
            keyring=self._base.keyring,
            allowances=settings.allowances,
            company_grace=settings.company_grace,
            receipt_signer=self._audit_log,
        )
        return [Router("/", route_handlers=controllers, dependencies=dependencies)]

    @property
    def jobs(self) -> Sequence[Job]:
        """The erasure of companies whose time has come."""
        return [Job("erase_due", ERASE_EVERY, self.eraser.erase_due)]
