"""What can go wrong with a person's own account."""

from backend.kernel.errors import Conflict, Forbidden, ProblemError


class LinkInvalid(ProblemError):
    """Unknown, used, replaced or expired, on purpose indistinguishable."""

    default_status, default_code, default_title = 410, "link_invalid", "This link is not valid any more"


class WrongPassword(Forbidden):
    """The present password, asked for before something important is changed, does not fit."""

    default_code, default_title = "wrong_password", "This is not your password"


class OwnsCompanies(Conflict):
    """Others would be left in companies without an owner; ``extra.companies`` names them."""

    default_code, default_title = "owns_companies", "Some of your companies would be left without an owner"
