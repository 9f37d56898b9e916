"""What the web app costs: bytes and Lighthouse against a blank Reflex app of the same run, time and memory of `up`."""

import statistics
import time
from collections import defaultdict
from typing import Any, Final

from playwright.sync_api import BrowserContext

from tests.bench.blank_app import blank_app
from tests.journeys.people import Member, signed_up
from tests.journeys.product import Product, chromium, debugged_chromium, running_product
from tests.tools.install import Lighthouse

ROUNDS: Final = 3
STARTS: Final = 3
MOST_BYTES: Final = 1.25
LEAST_PERFORMANCE: Final = 0.95
MOST_SECONDS: Final = 10.0
MOST_MEGABYTES: Final = 700.0
CATEGORIES: Final = ("performance", "accessibility", "best-practices")
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of first load, Lighthouse, start and memory."""
    with running_product("bench") as product:
        member = signed_up(product.api_url)
        member.found()
        conversation = member.ask("What should we focus on this quarter?")
        memory = _memory(product)
        with blank_app() as blank:
            pages = {
                "sign-in": f"{product.url}/sign-in",
                "dashboard": f"{product.url}/dashboard",
                "chat": f"{product.url}/chat/{conversation}",
                "blank": f"{blank}/",
            }
            sizes = _first_load(product, member, pages)
            reports = _lighthouse(product, member, pages)
        product.stop()
        start = _start(product)
    return [sizes, *_performance(reports), *_perfection(reports), start, memory]


def _first_load(product: Product, member: Member, pages: dict[str, str]) -> Row:
    """Bytes on the wire, heads of answers included, until nothing more is asked for; frames of the socket aside."""
    found = {}
    with chromium() as browser:
        for name, words in (("chat", "Regenerate"), ("blank", "Welcome to Reflex!")):
            context = browser.new_context()
            member.enter(context, product.url)
            found[name] = _bytes(context, pages[name], words)
            context.close()
    ours, baseline = found["chat"], found["blank"]
    return {
        "what": "first load of the chat page, compressed",
        "against": "a blank Reflex app built in the same run",
        "goal": f"≤ {MOST_BYTES}",
        "ours": ours[0] / 1000,
        "baseline": baseline[0] / 1000,
        "ratio": ours[0] / baseline[0],
        "unit": "kB",
        "reached": ours[0] / baseline[0] <= MOST_BYTES,
        "note": f"bytes that a browser without a cache receives, brotli on both sides, fonts included: {ours[1]} "
        f"answers against {baseline[1]}; frames of the socket are not counted",
    }


def _bytes(context: BrowserContext, url: str, words: str) -> tuple[int, int]:
    """Bytes and answers until ``words`` are there and the network is quiet."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    session.send("Network.enable")
    page.goto(url)
    page.get_by_text(words).wait_for()
    page.wait_for_load_state("networkidle")
    return sum(sizes), len(sizes)


Reports = dict[tuple[str, bool], list[dict[str, Any]]]


def _lighthouse(product: Product, member: Member, pages: dict[str, str]) -> Reports:
    """Reports by page and form factor, pages interleaved; nobody is signed in while the sign-in page is looked at."""
    found: Reports = defaultdict(list)
    with debugged_chromium() as (context, port), Lighthouse(port) as lighthouse:
        for _ in range(ROUNDS):
            for name, url in pages.items():
                context.clear_cookies()
                if name != "sign-in":
                    member.enter(context, product.url)
                for desktop in (True, False):
                    found[name, desktop].append(lighthouse.look(url, desktop=desktop, categories=CATEGORIES))
    return found


def _performance(reports: Reports) -> list[Row]:
    rows = []
    for desktop, form in ((True, "desktop"), (False, "mobile")):
        baseline = _score(reports["blank", desktop], "performance")
        for name in ("sign-in", "dashboard", "chat"):
            ours = _score(reports[name, desktop], "performance")
            rows.append(
                {
                    "what": f"Lighthouse performance of {name}, {form}",
                    "against": "a blank Reflex app built in the same run",
                    "goal": f"≥ {LEAST_PERFORMANCE}",
                    "ours": ours,
                    "baseline": baseline,
                    "ratio": ours / baseline,
                    "unit": "",
                    "reached": ours / baseline >= LEAST_PERFORMANCE,
                    "note": f"largest paint {_metric(reports[name, desktop], 'largest-contentful-paint')} against "
                    f"{_metric(reports['blank', desktop], 'largest-contentful-paint')}, blocked "
                    f"{_metric(reports[name, desktop], 'total-blocking-time')} against "
                    f"{_metric(reports['blank', desktop], 'total-blocking-time')}, layout shift "
                    f"{_value(reports[name, desktop], 'cumulative-layout-shift'):.3f}; medians of {ROUNDS}",
                }
            )
    return rows


def _perfection(reports: Reports) -> list[Row]:
    rows = []
    for category in ("accessibility", "best-practices"):
        scores = {key: _score(found, category) for key, found in reports.items() if key[0] != "blank"}
        rows.append(
            {
                "what": f"Lighthouse {category.replace('-', ' ')} of all three, both form factors",
                "against": "",
                "goal": "100",
                "ours": min(scores.values()),
                "baseline": None,
                "ratio": None,
                "unit": "",
                "reached": min(scores.values()) == 100,
                "note": "",
            }
        )
    return rows


def _start(product: Product) -> Row:
    """Seconds from the command until the page answers, with data and pages there already."""
    seconds = []
    for _ in range(STARTS):
        began = time.perf_counter()
        product.start()
        seconds.append(time.perf_counter() - began)
        product.stop()
    median = statistics.median(seconds)
    return {
        "what": "`make up` on an installed tree, until the page answers",
        "against": "",
        "goal": f"≤ {MOST_SECONDS:.0f} s",
        "ours": median,
        "baseline": None,
        "ratio": None,
        "unit": "s",
        "reached": median <= MOST_SECONDS,
        "note": f"median of {STARTS} starts until the line that names the address; pages built before",
    }


def _memory(product: Product) -> Row:
    used = sum(process.memory_full_info().pss for process in product.family()) / 1e6
    return {
        "what": "memory of the whole stack",
        "against": "",
        "goal": f"< {MOST_MEGABYTES:.0f} MB",
        "ours": used,
        "baseline": None,
        "ratio": None,
        "unit": "MB",
        "reached": used < MOST_MEGABYTES,
        "note": "proportional set size of all processes, after a sign-up and an answer",
    }


def _score(reports: list[dict[str, Any]], category: str) -> float:
    """The median, of 100."""
    return statistics.median(100 * float(report["categories"][category]["score"]) for report in reports)


def _value(reports: list[dict[str, Any]], audit: str) -> float:
    return statistics.median(float(report["audits"][audit]["numericValue"]) for report in reports)


def _metric(reports: list[dict[str, Any]], audit: str) -> str:
    return f"{_value(reports, audit):,.0f} ms"
