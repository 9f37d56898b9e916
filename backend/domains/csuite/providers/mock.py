"""The deterministic model of local mode: the same conversation with the same company always gets the same answer."""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator
from typing import Final

from module_sdk.contract.module import BUDGET_CHARS, ChatPrompt

_OPENINGS: Final = (
    "Short answer: pick one thing and finish it.",
    "Here is how I would decide this.",
    "Let me start with what matters most.",
    "My recommendation first, the reasons after.",
)
_MOVES: Final = (
    ("Talk to ten customers", "This week", "CEO", "Shows what they would pay for"),
    ("Cut the weakest channel", "This month", "CMO", "Frees budget for the best one"),
    ("Raise prices for new customers", "Next quarter", "CFO", "Margin without more volume"),
    ("Hire for the bottleneck", "Next quarter", "COO", "Takes the limit off delivery"),
    ("Ship the smallest useful version", "This month", "CTO", "Learning beats planning"),
    ("Renew the three largest contracts early", "This month", "CEO", "Secures the base"),
)


class MockProvider:
    """Writes Markdown from the prompt's facts and recent turns at ``tokens_per_second`` (0: as fast as possible)."""

    name: Final = "mock"
    model: Final = "mock-executive-1"
    budget_chars: Final = BUDGET_CHARS

    def __init__(self, tokens_per_second: float) -> None:
        self._pause = 1 / tokens_per_second if tokens_per_second else 0.0

    async def stream(self, prompt: ChatPrompt) -> AsyncGenerator[str]:
        """The answer word by word."""
        for token in re.findall(r"\S+\s*|\s+", compose(prompt)):
            await asyncio.sleep(self._pause)
            yield token

    async def close(self) -> None:
        """Nothing is held."""


def compose(prompt: ChatPrompt) -> str:
    """The whole answer."""
    facts = dict(line.split(": ", 1) for line in prompt.system.splitlines() if ": " in line)
    question = " ".join(prompt.turns[-1].content.split())
    seed = hashlib.sha256("\0".join([prompt.system, *(turn.content for turn in prompt.turns)]).encode()).digest()
    company, goal = facts.get("Company", "your company"), facts.get("Goals", "").split("; ")[0]
    moves = [_MOVES[(seed[1] + step * (1 + seed[2] % 2 * 4)) % len(_MOVES)] for step in range(3)]
    earlier = [turn.content for turn in prompt.turns[:-1] if turn.role == "user"]
    parts = [
        f"**{_OPENINGS[seed[0] % len(_OPENINGS)]}**",
        f"You asked: *{_short(question, 160)}*",
        _situation(company, facts, goal),
    ]
    if earlier:
        parts.append(
            f"It also ties in with what you asked before (“{_short(earlier[-1], 80)}”), so I keep that in view."
        )
    first = moves[0][0].lower()
    parts += [
        "| Move | When | Who | Why |\n| --- | --- | --- | --- |\n" + "\n".join(f"| {' | '.join(m)} |" for m in moves),
        f"1. Start with **{first}**.\n2. Agree on one number that shows progress.\n3. Look at it every Monday.",
        f"Next step: {moves[0][2]} takes “{first}” and reports back {'on ' + goal if goal else 'within a week'}.",
    ]
    return "\n\n".join(parts)


def _situation(company: str, facts: dict[str, str], goal: str) -> str:
    known = [facts[label] for label in ("Industry", "Stage", "Size") if label in facts]
    described = f" ({', '.join(known)})" if known else ""
    aim = f" Your first goal is “{goal}”." if goal else " You have not told me a goal yet; add one in the settings."
    return f"For {company}{described} I would look at speed of learning before size.{aim}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
