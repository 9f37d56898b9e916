"""Inviting people, and the invitations that were not taken yet."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.features.team.members_state import PAGE_ROWS, TeamState, chosen_roles
from frontend.features.team.views import (
    InvitationView,
    RoleChoice,
    SentView,
    invitation_view,
    role_choices,
    sent_view,
)
from frontend.kit.addresses import odd_address
from frontend.kit.form import Form, form_key
from frontend.kit.paged_list import PagedList, with_paged_lists
from frontend.kit.problems import in_a_dialog
from frontend.platform.problems import field_errors, sentence
from frontend.platform.session import Notice
from module_sdk.api.access import Invitation, InvitationCreate, InvitationSent
from module_sdk.api.client import ApiClient, ApiError
from module_sdk.api.text import clean_address

#: Where the first keystroke of the dialog belongs.
EMAIL_FIELD: Final = "invite-email"
DAYS_FIELD: Final = "invite-days"
_FIRST_ROLE: Final = "member"
#: Refusals that are about the address.
_ABOUT_ADDRESS: Final = ("already_member", "already_invited")


@with_paged_lists
class InvitationsState(TeamState):
    """The dialog that invites, and the list of open invitations."""

    invitations = PagedList(InvitationView)
    #: False until the list was read for the first time; the page shows a skeleton.
    listed: bool = False
    failed: bool = False
    problem: Notice = Notice()
    more: bool = False
    fetching_more: bool = False
    choices: list[RoleChoice] = []
    form: Form = Form.of("email", "roles")
    #: The invitation made last. Its link is shown until the dialog closes, and kept nowhere else.
    sent: SentView = SentView()
    #: The id of the invitation that is being sent again.
    sending: str = ""
    doomed: InvitationView = InvitationView()
    withdrawal: Form = Form()

    _cursor: str = ""
    _time_zone: str = "UTC"
    _company: str = ""

    @rx.event
    async def load(self) -> Any:
        """Read the first page of open invitations."""
        if (away := await self._enter()) is not None:
            return away
        self._forget_another_company()
        self._put_away()
        self.sent = SentView()
        self.doomed, self.failed, self.sending = InvitationView(), False, ""
        async with self._talk(self._broke) as api:
            self._time_zone = await self._zone(api)
            await self._read(api)
        return None

    @rx.event
    async def load_more(self) -> Any:
        """Append the next page."""
        if not self.more or self.fetching_more:
            return
        self.fetching_more = True
        yield
        async with self._talk() as api:
            page = await self._tenant(api).access.invitations(cursor=self._cursor, limit=PAGE_ROWS)
            self.invitations.append(*map(self._view, page.items))
            self._continue_at(page.next_cursor)
        self.fetching_more = False

    @rx.event
    async def begin(self) -> None:
        """Fill the dialog with the roles as they are now."""
        self._forget_another_company()
        self._put_away()
        self.sent = SentView()
        async with self._talk(self._broke_the_form) as api:
            self._time_zone = await self._zone(api)
            roles = (await self._tenant(api).access.roles()).items
            first = [role.key for role in roles if role.key == _FIRST_ROLE and role.grantable]
            self.choices = role_choices(roles, first)

    @rx.event
    def close(self) -> None:
        """Forget the link; one that was not copied can be made anew by sending the invitation again."""
        self.sent = SentView()

    @rx.event
    def close_form(self) -> None:
        """Invite nobody."""
        self._put_away()

    @rx.event
    async def invite(self, data: dict[str, Any]) -> Any:
        """Make the invitation, and send it where there is a mail server."""
        email, roles = clean_address(str(data.get(EMAIL_FIELD, ""))), chosen_roles(data)
        refused = self.form.refused(
            email=odd_address(email),
            roles="" if roles else "Choose at least one role.",
        )
        if refused.has_errors:
            self.form = refused
            if refused.errors["email"]:
                yield rx.set_focus(EMAIL_FIELD)
            return
        self.form = self.form.begun()
        yield
        days = int(data[DAYS_FIELD])
        async with self._talk(self._broke_the_form) as api:
            try:
                body = InvitationCreate(email=email, roles=roles, expires_in_days=days)
                made = await self._tenant(api).access.invite(body, idempotency_key=form_key(data))
            except ApiError as error:
                if error.problem.status == 401:
                    raise
                self._refuse(error)
                if error.problem.status == 403:
                    # Their own roles changed meanwhile; the page offers less from now on.
                    await self._enter()
            else:
                self.form = self.form.finished()
                self._show(made)
                await self._read(api)

    @rx.event
    async def resend(self, invitation_id: str, expires: str) -> Any:
        """Send an invitation again with a new link; the old one ends.

        However often it is pressed before the page shows when the new one ``expires``, it is sent once.
        """
        self.sending = invitation_id
        yield
        done = False
        async with self._talk() as api:
            key = f"resend-{invitation_id}-{expires}"
            self._show(await self._tenant(api).access.resend_invitation(UUID(invitation_id), idempotency_key=key))
            await self._read(api)
            done = True
        self.sending = ""
        if not done:
            yield await self._settle()

    @rx.event
    def ask_to_withdraw(self, invitation_id: str) -> None:
        """Ask before an invitation ends."""
        self.doomed = self.invitations.get(invitation_id) or InvitationView()

    @rx.event
    def keep(self) -> None:
        """Withdraw nothing."""
        self.doomed, self.withdrawal = InvitationView(), self.withdrawal.fresh()

    @rx.event
    async def withdraw(self, _data: dict[str, Any]) -> Any:
        """End the invitation that was asked about."""
        doomed = self.doomed
        if not doomed.id or self.withdrawal.busy:
            return
        self.withdrawal = self.withdrawal.begun()
        yield
        async with self._talk() as api:
            await self._tenant(api).access.revoke_invitation(UUID(doomed.id))
            self._tell(Notice(kind="success", title="Invitation withdrawn", detail="Its link has ended."))
        self.withdrawal = self.withdrawal.finished()
        yield await self._settle()

    def _forget_another_company(self) -> None:
        if self._company != self.company.id:
            self._company, self.listed = self.company.id, False
            self.invitations.clear()

    def _show(self, made: InvitationSent) -> None:
        """Say what became of an invitation, in a dialog where there is something left to do."""
        sent = sent_view(made, words.zone(self._time_zone))
        self.sent = SentView() if made.mail == "sent" else sent
        if made.mail == "sent":
            detail = f"The link is good until {sent.expires}."
            self._tell(Notice(kind="success", title=f"Invitation sent to {made.invitation.email}", detail=detail))

    def _refuse(self, error: ApiError) -> None:
        """Put the refusal where it belongs: beside the address, the roles, or above the form."""
        problem = error.problem
        found = field_errors(problem, ("email", "roles"))
        if problem.code in _ABOUT_ADDRESS:
            found["email"] = sentence(problem.title)
        whole = "" if found else f"{sentence(problem.title)} {problem.detail or ''}".strip()
        self.form = self.form.refused(whole, found)

    def _broke_the_form(self, notice: Notice) -> None:
        self.form = self.form.refused(in_a_dialog(notice))

    def _put_away(self) -> None:
        self.choices, self.form = [], self.form.fresh()

    async def _settle(self) -> Any:
        """Show how things are now; returns where to go if this person's own place in the company has gone."""
        if self.api_down:
            return None
        if (away := await self._enter()) is not None:
            return away
        if self.company.id != self._company:
            return rx.redirect("/dashboard")
        async with self._talk() as api:
            await self._read(api)
        return None

    async def _read(self, api: ApiClient) -> None:
        page = await self._tenant(api).access.invitations(limit=PAGE_ROWS)
        self.invitations.replace(map(self._view, page.items))
        self._continue_at(page.next_cursor)
        self.listed, self.failed = True, False

    def _continue_at(self, cursor: str | None) -> None:
        self._cursor, self.more = cursor or "", cursor is not None

    def _view(self, invitation: Invitation) -> InvitationView:
        return invitation_view(invitation, datetime.now(UTC), words.zone(self._time_zone))

    def _broke(self, notice: Notice) -> None:
        self.failed, self.problem = not self.listed, notice
        if self.listed and not self.api_down:
            self._tell(notice)
