"""Problems as pages show them: in place of the content, or in one line of a dialog."""

from dataclasses import dataclass

from frontend.platform.problems import denied_words, sentence
from frontend.platform.session import Notice
from module_sdk.api.problems import Problem


@dataclass(frozen=True)
class DeniedView:
    """Why a page shows nothing, and who can help; empty where it may be seen."""

    title: str = ""
    text: str = ""


def denied_view(problem: Problem, title: str) -> DeniedView:
    """The words for a page that may not be seen."""
    return DeniedView(title, denied_words(problem))


def in_a_dialog(notice: Notice) -> str:
    """A notice in one line: the stack of notices lies behind an open dialog."""
    reference = f" Request {notice.request_id}." if notice.request_id else ""
    return f"{sentence(notice.title)} {sentence(notice.detail)}{reference}".strip()
