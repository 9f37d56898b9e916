"""Measures what somebody sees and feels while an answer is written."""

from itertools import pairwise
from typing import Final, NamedTuple

from playwright.sync_api import Page

_BEGIN: Final = """() => {
  const seen = { frames: [], keys: [], text: "", running: true };
  window.ocsuiteSeen = seen;
  const look = (now) => {
    const text = document.querySelector("article[aria-busy=true] .md")?.textContent ?? "";
    if (text && text !== seen.text) seen.frames.push(now);
    seen.text = text;
    if (seen.running) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  seen.observer = new PerformanceObserver((list) =>
    list.getEntries().forEach((one) => one.name === "keydown" && seen.keys.push(one.duration)));
  seen.observer.observe({ type: "event", durationThreshold: 16 });
}"""
_END: Final = """() => {
  const seen = window.ocsuiteSeen;
  seen.running = false;
  seen.observer.takeRecords().forEach((one) => one.name === "keydown" && seen.keys.push(one.duration));
  seen.observer.disconnect();
  return [seen.frames, seen.keys];
}"""


class Seen(NamedTuple):
    """Frames in which the answer changed, as times in ms, and how long each slow key took to show, in ms."""

    frames: list[float]
    slow_keys: list[float]

    @property
    def updates_per_second(self) -> float:
        """Without the quickest and the slowest tenth: markup, such as a table's rule, shows nothing as it comes."""
        gaps = sorted(later - earlier for earlier, later in pairwise(self.frames))
        tenth = len(gaps) // 10
        kept = gaps[tenth : len(gaps) - tenth]
        return len(kept) / sum(kept) * 1000 if kept else 0.0


def begin(page: Page) -> None:
    """Look at every frame from now on."""
    page.evaluate(_BEGIN)


def end(page: Page) -> Seen:
    """What was seen since."""
    return Seen(*page.evaluate(_END))
