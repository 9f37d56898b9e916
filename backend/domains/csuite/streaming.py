"""Turns an answer's events into an HTTP response, and lets a repeated request meet the answer that it already has."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from litestar.params import HeaderParameter
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.csuite.draft import Draft
from backend.domains.csuite.ledger import Answers
from backend.domains.csuite.permissions import USE
from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.questions import Question
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.idempotency import HEADER, Claim, Kept, claim, fingerprint_of, finish, valid_key
from backend.kernel.http.requests import SignedInRequest
from backend.kernel.runs.follower import Follower
from module_sdk.contract.module import ChatPrompt

EVENT_STREAM: Final = "text/event-stream"

LastEventId = Annotated[
    int,
    HeaderParameter(
        name="Last-Event-ID",
        ge=0,
        le=2**31 - 1,
        description="Number of the last event received; those after it follow.",
    ),
]


@dataclass(slots=True)
class IdempotentQuestion:
    """A question being stored in ``session``, or the message that a request with the same key led to before."""

    session: AsyncSession
    context: TenantContext
    answers: Answers
    provider: Provider
    earlier: UUID | None = None
    question: Question | None = None
    draft: Draft | None = None

    def begin(self, prompt: ChatPrompt) -> Draft:
        """Ask the model while the question is being stored; discarded if it is not."""
        self.draft = Draft(self.provider, prompt)
        return self.draft

    @property
    def first(self) -> bool:
        """Whether the question is still to be stored."""
        return self.earlier is None

    async def stream(self, follower: Follower) -> Stream:
        """Begin the answer, unless it was begun before, and stream it. To be called after the commit.

        Raises ``NotFound`` if what was begun before is gone.
        """
        if self.question is None:
            if self.earlier is None:
                raise ValueError("nothing was asked")
            frames = await follower.resume(self.context, USE, self.earlier, 0)
            return event_stream(frames, {"Idempotency-Replayed": "true"})
        self.answers.begin(self.question.answer())
        return event_stream(follower.frames(self.context, USE, self.question.assignment.ref.id, 0))


@asynccontextmanager
async def idempotent_question(
    request: SignedInRequest, db: Database, context: TenantContext, answers: Answers, provider: Provider
) -> AsyncIterator[IdempotentQuestion]:
    """A transaction in which a question is stored once for each ``Idempotency-Key``.

    The key is taken and kept in the transaction that stores the question: a parallel repetition waits for the commit.
    """
    asked: IdempotentQuestion | None = None
    try:
        async with db.transaction(context) as session:
            asked = IdempotentQuestion(session, context, answers, provider)
            held = await _claimed(request, asked)
            yield asked
            if held is not None and asked.question is not None:
                await finish(session, held, Kept(200, {}, asked.question.assignment.ref.id.bytes))
    except BaseException:
        if asked is not None and asked.draft is not None:
            await asked.draft.discard()
        raise


async def _claimed(request: SignedInRequest, asked: IdempotentQuestion) -> Claim | None:
    """The claim on the request's key, if it has one; notes the earlier answer if the key was used before."""
    values = [value for name, value in request.scope["headers"] if name == HEADER]
    if not values:
        return None
    held = await claim(asked.session, request.user.user_id, valid_key(values[0]), await fingerprint_of(request))
    if isinstance(held, Claim):
        return held
    asked.earlier = UUID(bytes=held.body)
    return None


def event_stream(frames: AsyncGenerator[bytes], headers: dict[str, str] | None = None) -> Stream:
    """An answer's frames as a response; proxies are told to pass them on unbuffered."""
    return Stream(
        frames,
        media_type=EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", **(headers or {})},
    )
