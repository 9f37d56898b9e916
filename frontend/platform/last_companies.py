"""Which company each account used last in a browser, as the browser keeps it."""

from typing import Final

import msgspec

#: So many accounts' companies does a browser remember.
_ACCOUNTS: Final = 5


def remembered(text: str) -> dict[str, str]:
    """The companies by account that a browser sent; whatever else it sent is nothing."""
    try:
        return msgspec.json.decode(text[: _ACCOUNTS * 100], type=dict[str, str])
    except (msgspec.MsgspecError, TypeError):
        return {}


def remembering(last: dict[str, str], user_id: str, company_id: str) -> str:
    """What the browser is to keep now that an account uses a company."""
    others = [(key, value) for key, value in last.items() if key != user_id]
    return msgspec.json.encode(dict([*others[1 - _ACCOUNTS :], (user_id, company_id)])).decode()
