"""The list of domains, and the binding of each one's ports to what another offers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from backend.departures import CompanyDepartures
from backend.domains.access.domain import Access
from backend.domains.access.gatekeeper import AccessGatekeeper
from backend.domains.audit.adapters import AuditLogAdapter
from backend.domains.audit.domain import Audit
from backend.domains.audit.words import ActionWords
from backend.domains.csuite.adapters import Conversations
from backend.domains.csuite.domain import CSuite
from backend.domains.dashboard.domain import Dashboard
from backend.domains.identity.adapters import addresses
from backend.domains.identity.domain import Identity
from backend.domains.tenants.adapters import CompaniesAdapter
from backend.domains.tenants.domain import Tenants
from backend.kernel.domain import Declared, Domain, declared
from backend.kernel.foundation import Foundation
from backend.kernel.jobs.upkeep import Job
from backend.modules.board_meeting import BoardPreview
from backend.modules.ceo_chat import CeoChat
from backend.modules.demo_metrics import DemoMetrics
from backend.modules.registry import ModuleRegistry
from backend.settings import Settings

D = TypeVar("D", bound=Domain)


def modules() -> ModuleRegistry:
    """The modules of the product."""
    return ModuleRegistry([CeoChat(), BoardPreview(), DemoMetrics()])


class Offers:
    """What domains offer to one another."""

    def __init__(self, base: Foundation, declared: Declared) -> None:
        self.action_words = ActionWords(declared.areas, declared.actions)
        self.addresses = addresses(base.settings)
        self.audit_log = AuditLogAdapter(base.db, base.keyring, base.redis)
        self.companies = CompaniesAdapter()
        self.conversations = Conversations(base.db)
        self.departures = CompanyDepartures(base.settings.company_grace)
        self.gatekeeper = AccessGatekeeper(base.db)
        self.modules = modules()


Domains = Mapping[type[Domain], Callable[[Foundation, Offers], Domain]]

DOMAINS: Final[Domains] = {
    Identity: lambda base, of: Identity(
        base,
        addresses=of.addresses,
        memberships=of.companies,
        departures=of.departures,
        belongings=of.conversations,
    ),
    Tenants: lambda base, of: Tenants(base, audit_log=of.audit_log),
    Dashboard: lambda base, of: Dashboard(base, companies=of.companies, modules=of.modules),
    CSuite: lambda base, of: CSuite(
        base, companies=of.companies, modules=of.modules, permitted=of.gatekeeper.still_permitted
    ),
    Access: lambda base, of: Access(base, memberships=of.companies, addresses=of.addresses),
    Audit: lambda base, of: Audit(
        base, log=of.audit_log, permitted=of.gatekeeper.still_permitted, words=of.action_words
    ),
}
"""In the order in which permissions and headings are shown. Adding a domain is adding its line."""


def declarations(domains: Domains = DOMAINS) -> Declared:
    """What the domains declare, whatever the settings; raises ``ValueError`` for what is declared twice."""
    return declared(domains)


class Product:
    """The domains of one process on their foundation. Making it connects to nothing."""

    def __init__(self, settings: Settings, domains: Domains = DOMAINS) -> None:
        self.base = Foundation(settings, CompaniesAdapter().wrapped_key)
        self.offers = Offers(self.base, declarations(domains))
        self._domains = {kind: bind(self.base, self.offers) for kind, bind in domains.items()}

    def of(self, kind: type[D]) -> D:
        """The domain of that type."""
        found = self._domains[kind]
        assert isinstance(found, kind)
        return found

    @property
    def domains(self) -> Sequence[Domain]:
        """All of them."""
        return tuple(self._domains.values())

    @property
    def jobs(self) -> Sequence[Job]:
        """All upkeep, for a worker."""
        return [job for domain in self.domains for job in domain.jobs]

    async def close(self) -> None:
        """Give back every connection."""
        await self.base.close()
