"""Lighthouse on the three pages that count most. Performance is `make bench`'s matter: here the machine is busy."""

import pytest

from tests.journeys.people import Member
from tests.journeys.product import Product, debugged_chromium
from tests.tools.install import Lighthouse

pytestmark = pytest.mark.journey


def test_accessibility_and_best_practices_are_perfect(product: Product, member: Member) -> None:
    conversation = member.ask("Where do we stand?")
    with debugged_chromium() as (context, port), Lighthouse(port) as lighthouse:
        found = {"/sign-in": scores(lighthouse, f"{product.url}/sign-in")}
        member.enter(context, product.url)
        for path in ("/dashboard", f"/chat/{conversation}"):
            found[path] = scores(lighthouse, f"{product.url}{path}")
    assert [one for one in found.items() if one[1] != []] == []


def scores(lighthouse: Lighthouse, url: str) -> list[str]:
    """What keeps a page from 100 in both."""
    report = lighthouse.look(url, desktop=True, categories=("accessibility", "best-practices"))
    assert len(report["categories"]) == 2
    return [
        f"{category['title']}: {audit['title']} {audit.get('details', {}).get('items', '')}"
        for category in report["categories"].values()
        if category["score"] != 1
        for audit in (report["audits"][one["id"]] for one in category["auditRefs"] if one["weight"])
        if audit["score"] not in (1, None)
    ]
