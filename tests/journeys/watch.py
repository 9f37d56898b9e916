"""Measures what somebody sees and feels while an answer is written."""

from typing import Final, NamedTuple

from playwright.sync_api import Page

_BEGIN: Final = """() => {
  const seen = { frames: [], keys: [], length: 0, running: true };
  window.ocsuiteSeen = seen;
  const look = (now) => {
    const text = document.querySelector("article[aria-busy=true] .md")?.textContent ?? "";
    if (text.length !== seen.length && text) seen.frames.push(now);
    seen.length = text.length;
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
    """Frames in which the answer grew, as times in ms, and how long each slow key took to show, in ms."""

    frames: list[float]
    slow_keys: list[float]

    @property
    def updates_per_second(self) -> float:
        """Between the first growth and the last."""
        if len(self.frames) < 2:
            return 0.0
        return (len(self.frames) - 1) / (self.frames[-1] - self.frames[0]) * 1000


def begin(page: Page) -> None:
    """Look at every frame from now on."""
    page.evaluate(_BEGIN)


def end(page: Page) -> Seen:
    """What was seen since."""
    return Seen(*page.evaluate(_END))
