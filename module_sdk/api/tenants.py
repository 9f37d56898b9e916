"""Companies (tenants), their business profile, the onboarding wizard's state, limits and use."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from module_sdk.api.base import Name, Reply, Request
from module_sdk.api.identity import RoleKey
from module_sdk.contract.company import CompanyProfile
from module_sdk.contract.text import LINE

Slug = Annotated[
    str,
    msgspec.Meta(min_length=3, max_length=48, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", examples=["acme-robotics"]),
]
Metric = Literal["messages_per_day", "tasks_per_day", "members"]
OnboardingStep = Literal["company", "profile", "integration", "done"]


class TenantCreate(Request, frozen=True, kw_only=True):
    """A new company; without ``slug`` one is made from the name."""

    name: Name
    slug: Slug | None = None


class TenantPatch(Request, frozen=True, kw_only=True):
    """What to change of a company; absent fields stay."""

    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET


class Tenant(Reply, frozen=True, kw_only=True):
    """A company as one of its members sees it; ``role`` is the highest of theirs.

    ``erase_after`` is when it will be erased, if its deletion was asked for.
    """

    id: UUID
    name: str
    slug: str
    role: RoleKey
    created_at: datetime
    updated_at: datetime
    erase_after: datetime | None = None


class Profile(CompanyProfile, Request, frozen=True, kw_only=True):
    """The business profile; it is what the executives know of the company. ``PUT`` replaces it whole."""


class ProfileReply(Reply, frozen=True, kw_only=True):
    """The stored profile; ``updated_at`` is ``None`` until it was saved once."""

    profile: Profile
    updated_at: datetime | None


class Onboarding(Reply, frozen=True, kw_only=True):
    """Where the wizard stands: the step to show next, and the steps that were skipped."""

    step: OnboardingStep
    skipped: list[OnboardingStep]
    completed_at: datetime | None


class OnboardingPatch(Request, frozen=True, kw_only=True):
    """Moves the wizard; ``skipped`` names the step being left without filling it in."""

    step: OnboardingStep
    skipped: OnboardingStep | None = None


class UsageLine(Reply, frozen=True, kw_only=True):
    """One limit: its bound, what is used, and when the count starts again (``None``: it is not per day)."""

    metric: Metric
    limit: int
    used: int
    resets_at: datetime | None


class Usage(Reply, frozen=True, kw_only=True):
    """Every limit of a tenant with its use; days are UTC days."""

    tenant_id: UUID
    lines: list[UsageLine]


class DeletionRequest(Request, frozen=True, kw_only=True):
    """Asks for a company to be erased; ``confirmation`` is its short name (slug), typed by hand."""

    confirmation: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=LINE, examples=["acme-robotics"])]


class Deletion(Reply, frozen=True, kw_only=True):
    """A deletion that was asked for and can still be called off until ``erase_after``."""

    tenant_id: UUID
    requested_by: UUID
    requested_at: datetime
    erase_after: datetime


class ErasureReceipt(Reply, frozen=True, kw_only=True):
    """What was erased of a company, for whoever asked for it.

    ``rows`` counts rows by table; ``keys`` counts destroyed data keys, without which copies in backups stay sealed.
    ``audit_seq`` and ``audit_hash`` (hexadecimal) are the end of the sealed audit log. ``signature`` is Ed25519 in
    base64 over the document without ``key_id`` and ``signature``, as ``docs/audit.md`` defines.
    """

    id: UUID
    tenant_id: UUID
    tenant_name: str
    requested_at: datetime
    erased_at: datetime
    rows: dict[str, int]
    keys: int
    audit_seq: int
    audit_hash: str
    key_id: str
    signature: str
