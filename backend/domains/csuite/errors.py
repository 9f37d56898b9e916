"""What can go wrong in a conversation."""

from backend.kernel.errors import Conflict


class AnswerInProgress(Conflict):
    """One answer at a time: the running one can be stopped."""

    default_code, default_title = "answer_in_progress", "An answer is still being written in this conversation"


class NotLatestAnswer(Conflict):
    """Only the last answer of a conversation can be asked for again."""

    default_code, default_title = "not_latest_answer", "Only the latest answer can be regenerated"
