"""What can go wrong in a conversation."""

from typing import Any

from backend.kernel.errors import Conflict, Internal, ProviderUnavailable


class AnswerInProgress(Conflict):
    """One answer at a time: the running one can be stopped."""

    default_code, default_title = "answer_in_progress", "An answer is still being written in this conversation"


class NotLatestAnswer(Conflict):
    """Only the last answer of a conversation can be asked for again."""

    default_code, default_title = "not_latest_answer", "Only the latest answer can be regenerated"


class PromptTooLong(ProviderUnavailable):
    """The model cannot read as much at once; trying again does not help."""

    default_code, default_title = "prompt_too_long", "This is more than the model can read at once"


class ProviderBusy(ProviderUnavailable):
    """A failure that may pass by itself, after ``retry_after`` seconds if the provider said so."""

    def __init__(self, detail: str, *, retry_after: float | None = None, **options: Any) -> None:
        super().__init__(detail, **options)
        self.retry_after = retry_after


class GenerationInterrupted(Internal):
    """The process that wrote the answer stopped; the answer can be asked for again."""

    default_code, default_title = "generation_interrupted", "The answer was interrupted"
