"""The dashboard: a company's key figures with where they come from."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from module_sdk.api.base import Reply
from module_sdk.contract import capability

# A module's figure is what the API answers with.
MetricSnapshot = capability.MetricSnapshot


class MetricSource(Reply, frozen=True, kw_only=True):
    """The module that produced figures; ``demonstration`` marks figures that are not the company's own."""

    capability: str
    version: str
    title: str
    demonstration: bool


class Dashboard(Reply, frozen=True, kw_only=True):
    """Metrics of one tenant, in the order in which to show them."""

    tenant_id: UUID
    generated_at: datetime
    currency: str
    sources: list[MetricSource]
    metrics: list[MetricSnapshot]
    status: Literal["ready", "partial"]
