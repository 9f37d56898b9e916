"""The API with the product's own edges, whose rate limits alone are wide: the tests here send thousands of requests."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from backend.domains.identity import wiring
from backend.domains.identity.service import Attempts, default_attempts
from backend.kernel.limits.limiter import Limit
from backend.kernel.limits.policies import Policies, Policy, default_policies
from backend.registry import declarations
from backend.settings import Settings
from tests.support.server import running_api

WIDE = 1_000_000


def wide(limit: Limit) -> Limit:
    """The same limit with a quota out of reach."""
    return Limit(limit.name, WIDE, limit.window)


def wide_policies() -> Policies:
    """The product's limits under their own names, so that answers carry the same headers."""
    product = default_policies(declarations().rates, local=True)
    return Policies(
        address=wide(product.address),
        user=wide(product.user),
        tenant=wide(product.tenant),
        failures=wide(product.failures),
        lookups=wide(product.lookups),
        named={
            name: Policy(name, policy.address and wide(policy.address), policy.user and wide(policy.user))
            for name, policy in product.named.items()
        },
    )


@pytest.fixture(scope="module")
def wide_settings(settings: Settings) -> Settings:
    """As many companies and messages as a test asks for."""
    return replace(settings, allowances=replace(settings.allowances, messages_per_day=WIDE, companies=WIDE))


def wide_attempts(*, local: bool) -> Attempts:
    """Schemathesis signs in again whenever it has signed somebody out."""
    return Attempts(*map(wide, default_attempts(local=local)))


@pytest.fixture(scope="module")
def api_url(wide_settings: Settings) -> Iterator[str]:
    """The running API, in place of the one that most tests talk to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "default_attempts", wide_attempts)
        with running_api(wide_settings, wide_policies()) as url:
            yield url


@pytest.fixture(scope="module")
def document(api_url: str) -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    answer = httpx.get(f"{api_url}/schema/openapi.json", timeout=20)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found
