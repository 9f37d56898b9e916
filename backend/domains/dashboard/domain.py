"""A company's key figures."""

from collections.abc import Sequence
from typing import ClassVar

from litestar import Router

from backend.domains.dashboard.controllers import DashboardController
from backend.domains.dashboard.permissions import PERMISSIONS
from backend.domains.tenants.ports import Companies
from backend.kernel.auth.permissions import Permission
from backend.kernel.domain import Domain, Tag
from backend.kernel.foundation import Foundation
from backend.kernel.http.provide import provide
from backend.modules.registry import ModuleRegistry


class Dashboard(Domain):
    """Records nothing, since it changes nothing."""

    tags: ClassVar[Sequence[Tag]] = (Tag("dashboard", "Key figures"),)
    permissions: ClassVar[Sequence[Permission]] = PERMISSIONS

    def __init__(self, _base: Foundation, *, companies: Companies, modules: ModuleRegistry) -> None:
        self._dependencies = provide(companies=companies, modules=modules)

    @property
    def routers(self) -> Sequence[Router]:
        """The dashboard."""
        return [Router("/", route_handlers=[DashboardController], dependencies=self._dependencies)]
