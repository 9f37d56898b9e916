"""The turns of a conversation as models take them: roles alternate, and the person speaks first and last."""

from itertools import groupby

from backend.domains.csuite.providers.thoughts import ThoughtSplitter
from module_sdk.contract.module import ChatTurn


def alternating(turns: list[ChatTurn]) -> list[ChatTurn]:
    """``turns`` without thoughts and without an answer whose question was cut away.

    Strict templates refuse any other order. Questions that nothing answered are asked together with the one that
    follows, since that one may be about them ("try again").
    """
    spoken = [ChatTurn(role=turn.role, content=_answer(turn)) for turn in turns]
    merged = [
        ChatTurn(role=role, content="\n\n".join(turn.content for turn in together))
        for role, together in groupby((turn for turn in spoken if turn.content.strip()), lambda turn: turn.role)
    ]
    return merged[1:] if merged and merged[0].role == "assistant" else merged


def fewer(turns: list[ChatTurn]) -> list[ChatTurn] | None:
    """The newest turns that have half of the text, and always the question; ``None`` if there is nothing else."""
    if len(turns) == 1:
        return None
    kept, left = [turns[-1]], sum(len(turn.content) for turn in turns) // 2 - len(turns[-1].content)
    for turn in reversed(turns[:-1]):
        left -= len(turn.content)
        if left < 0:
            break
        kept.append(turn)
    return kept[::-1]


def _answer(turn: ChatTurn) -> str:
    """What was said; answers that were stored with their thoughts in the text lose them."""
    if turn.role == "user" or not turn.content.lstrip().startswith("<think"):
        return turn.content
    splitter = ThoughtSplitter()
    return "".join(piece for piece in [*splitter.feed(turn.content), *splitter.end()] if isinstance(piece, str))
