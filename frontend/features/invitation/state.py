"""Following an invitation's link. Its secret stays in an HttpOnly cookie and never enters a state."""

from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

import reflex as rx

from frontend.features.invitation.views import MASK, PreviewView, preview_view
from frontend.platform import runtime
from frontend.platform.problems import sentence
from frontend.platform.session import Notice, SessionState
from frontend.platform.session_routes import INVITATION_COOKIE, INVITATION_PATH, INVITE_END_PATH, SIGN_IN_PATH
from module_sdk.api.access import InvitationToken
from module_sdk.api.client import ApiError, ClientError

#: What the page shows: nothing yet, an error, an invitation that is none any more, or one for a visitor who is not
#: signed in, has the address that was invited, or has another one.
Look = Literal["", "failed", "invalid", "stranger", "invited", "other"]
_BACK: Final = urlencode({"next": INVITATION_PATH})
SIGN_IN_AND_BACK: Final = f"{SIGN_IN_PATH}?{_BACK}"
SIGN_UP_AND_BACK: Final = f"/sign-up?{_BACK}"
_FOR_ANOTHER: Final = "invitation_for_another"
_INVALID: Final = ("invitation_invalid", "validation_failed")


def masked(email: str) -> str:
    """``email`` as an installation without mail shows it to whoever has the link."""
    return f"{email[:1]}{MASK}{email.rpartition('@')[2]}"


class InvitationState(SessionState):
    """The invitation that this browser was sent."""

    look: Look = ""
    invitation: PreviewView = PreviewView()
    problem: Notice = Notice()
    refusal: str = ""
    busy: bool = False

    @rx.event
    async def load(self) -> Any:
        """Read the invitation, and who is looking at it."""
        signed_in = self._session_value() is not None
        if not signed_in:
            await self._clear(keep_company=True)
        elif (away := await self._enter(needs_company=False)) is not None:
            return away
        self.look, self.refusal, self.busy = "", "", False
        token = self._token()
        if token is None:
            self.look = "invalid"
            return None
        async with self._talk(self._broke) as api:
            try:
                preview = await api.look_up_invitation(InvitationToken(token=token))
            except ApiError as error:
                if error.problem.code not in _INVALID:
                    raise
                self.look = "invalid"
                return None
            self.invitation = preview_view(preview, datetime.now(UTC))
            mine = preview.email.casefold() in (self.person.email.casefold(), masked(self.person.email).casefold())
            self.look = "stranger" if not signed_in else "invited" if mine else "other"
        return None

    @rx.event
    async def join(self) -> Any:
        """Accept the invitation and go to the company's dashboard."""
        token = self._token()
        if self.busy or self.look != "invited":
            return
        if token is None:
            self.look = "invalid"
            return
        self.busy, self.refusal = True, ""
        yield
        async with self._talk() as api:
            try:
                membership = await api.accept_invitation(InvitationToken(token=token))
            except ApiError as error:
                if error.problem.status == 401:
                    raise
                self._refuse(error)
            else:
                self.company_id = str(membership.tenant.id)
                roles = ", ".join(self.invitation.roles)
                self._tell(
                    Notice(kind="success", title=f"You have joined {membership.tenant.name}", detail=f"Role: {roles}")
                )
                self._leave_for(INVITE_END_PATH)
        self.busy = False

    @rx.event
    async def use_another_account(self) -> None:
        """Sign out and come back to sign in as whoever was invited, whose address the form proposes."""
        await self._end_session(SIGN_IN_AND_BACK)

    @rx.event
    async def propose(self) -> None:
        """Know whom the invitation of this browser is for, for a form that is opened without having shown it."""
        token = self._token()
        if token is None or self.invitation.email:
            return
        try:
            api = runtime.current().api_from(self.router.session.client_ip)
            preview = await api.look_up_invitation(InvitationToken(token=token))
        except ClientError:
            return  # the form works without; the invitation's own page says what is wrong
        self.invitation = preview_view(preview, datetime.now(UTC))

    def _token(self) -> str | None:
        return runtime.cookie_value(self.router.headers.cookie, INVITATION_COOKIE)

    def _refuse(self, error: ApiError) -> None:
        problem = error.problem
        if problem.code in _INVALID:
            self.look = "invalid"
        elif problem.code == _FOR_ANOTHER:
            self.look = "other"
        else:
            self.refusal = f"{sentence(problem.title)} {problem.detail or ''}".strip()

    def _broke(self, notice: Notice) -> None:
        self.look, self.problem = "failed", notice
