"""Gathers figures from metrics modules; one that fails leaves the others standing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from module_sdk.api.dashboard import Dashboard, MetricSource
from module_sdk.contract.capability import MetricSnapshot
from module_sdk.contract.company import CompanyFacts
from module_sdk.contract.module import MetricsModule, MetricsRequest
from module_sdk.contract.validation import validate_metrics

log = structlog.get_logger(__name__)


async def gather(tenant_id: UUID, company: CompanyFacts, modules: Sequence[MetricsModule]) -> Dashboard:
    """Every module's figures in order; ``partial`` if a module failed."""
    now = datetime.now(UTC)
    request = MetricsRequest(tenant_id=tenant_id, company=company, now=now)
    metrics: list[MetricSnapshot] = []
    sources: list[MetricSource] = []
    complete = True
    for module in modules:
        capability = module.capability
        try:
            metrics += validate_metrics(await module.metrics(request), produced_by=capability)
        except Exception:
            # A module is foreign code: whatever it raises must not take the other modules' figures away.
            log.exception("metrics_module_failed", capability=capability.name)
            complete = False
            continue
        sources.append(
            MetricSource(
                capability=capability.name,
                version=capability.version,
                title=capability.title,
                demonstration=capability.demonstration,
            )
        )
    return Dashboard(
        tenant_id=tenant_id,
        generated_at=now,
        currency=company.profile.currency,
        sources=sources,
        metrics=metrics,
        status="ready" if complete else "partial",
    )
