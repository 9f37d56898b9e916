"""The members of the chosen company, and what may be done with them."""

from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.features.team.views import MemberView, RoleChoice, member_view, role_choices
from frontend.kit.form import Form
from frontend.kit.paged_list import PagedList, with_paged_lists
from frontend.kit.problems import in_a_dialog
from frontend.platform.session import Notice, SessionState
from module_sdk.api.access import Member, MemberRoles, OwnershipTransfer
from module_sdk.api.client import ApiClient, ApiError

PAGE_ROWS: Final = 50
#: What is asked before it happens, ``""`` for nothing.
Question = Literal["", "roles", "remove", "ownership", "leave"]
_ROLE_FIELD: Final = "role:"


def chosen_roles(form: dict[str, Any]) -> list[str]:
    """The keys of the roles that were ticked in a form of :func:`frontend.features.team.roles.role_boxes`."""
    return [name.removeprefix(_ROLE_FIELD) for name in form if name.startswith(_ROLE_FIELD)]


class TeamState(SessionState):
    """What the pages about the team share."""

    async def _zone(self, api: ApiClient) -> str:
        """The company's time zone, UTC for whoever may not read its profile."""
        if "company.read" not in self.company.permissions:
            return "UTC"
        return (await self._tenant(api).profile()).profile.time_zone


@with_paged_lists
class MembersState(TeamState):
    """What the list of members shows."""

    members = PagedList(MemberView, key="user_id")
    #: False until the list was read for the first time; the page shows a skeleton.
    listed: bool = False
    failed: bool = False
    problem: Notice = Notice()
    more: bool = False
    #: Whether whoever wants to leave cannot, since the company would have no owner.
    only_owner: bool = False
    fetching_more: bool = False
    #: Whom the question is about.
    chosen: MemberView = MemberView()
    question: Question = ""
    choices: list[RoleChoice] = []
    form: Form = Form.of("roles")

    _cursor: str = ""
    _time_zone: str = "UTC"
    _company: str = ""

    @rx.event
    async def load(self) -> Any:
        """Read the first page of members."""
        if (away := await self._enter()) is not None:
            return away
        if self._company != self.company.id:
            self._company, self.listed = self.company.id, False
            self.members.clear()
        self._ask("", MemberView())
        self.failed = False
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
            page = await self._tenant(api).access.members(cursor=self._cursor, limit=PAGE_ROWS)
            self.members.append(*map(self._view, page.items))
            self._continue_at(page.next_cursor)
        self.fetching_more = False

    @rx.event
    async def ask(self, question: Question, user_id: str) -> None:
        """Ask about a member before anything happens to them; for their roles, which ones."""
        found = self.members.get(user_id)
        if found is None and question == "leave":
            found = MemberView(user_id=self.person.id, me=True)  # who may not see the list may leave all the same
        if found is None:
            return
        self.choices = []
        self._ask(question, found)
        self.only_owner = question == "leave" and self._is_only_owner(found)
        if question == "roles":
            # The notices lie behind the dialog, which is open already.
            async with self._talk(self._refuse) as api:
                self.choices = role_choices((await self._tenant(api).access.roles()).items, found.role_keys)

    @rx.event
    def close(self) -> None:
        """Do nothing."""
        self._ask("", MemberView())

    @rx.event
    async def save_roles(self, data: dict[str, Any]) -> Any:
        """Replace the chosen member's roles."""
        roles, member = chosen_roles(data), self.chosen
        if not roles:
            self.form = self.form.refused(roles="Choose at least one role. To end somebody's access, remove them.")
            return
        if not self._begins("roles"):
            return
        yield
        done = False
        async with self._talk() as api:
            changed = await self._tenant(api).access.set_roles(UUID(member.user_id), MemberRoles(roles=roles))
            self.members.update(self._view(changed))
            self._tell(Notice(kind="success", title="Roles changed", detail=f"{member.name} has them from now on."))
            done = True
        yield await self._settle(again=member.me or not done)

    @rx.event
    async def remove(self, _data: dict[str, Any]) -> Any:
        """End the chosen member's membership."""
        member = self.chosen
        if not self._begins("remove"):
            return
        yield
        done = False
        async with self._talk() as api:
            await self._tenant(api).access.remove_member(UUID(member.user_id))
            self.members.remove(member.user_id)
            self._tell(Notice(kind="success", title=f"{member.name} was removed", detail="Their access has ended."))
            done = True
        yield await self._settle(again=not done)

    @rx.event
    async def hand_over(self, data: dict[str, Any]) -> Any:
        """Make the chosen member owner in this person's place."""
        member = self.chosen
        if not data.get("understood"):
            self.form = self.form.refused("Tick the box to confirm.")
            return
        if not self._begins("ownership"):
            return
        yield
        async with self._talk() as api:
            await self._tenant(api).access.transfer_ownership(OwnershipTransfer(user_id=UUID(member.user_id)))
            self._tell(Notice(kind="success", title=f"{member.name} is owner now", detail="You are an admin."))
        yield await self._settle()

    @rx.event
    async def leave_company(self, _data: dict[str, Any]) -> Any:
        """End this person's own membership and go on to another company of theirs."""
        if not self._begins("leave"):
            return
        yield
        left, name = False, self.company.name
        async with self._talk() as api:
            try:
                await self._tenant(api).access.leave()
            except ApiError as error:
                if error.problem.code != "last_owner":
                    raise
                self.only_owner, self.form = True, self.form.fresh()
                await self._enter()
                await self._read(api)
                return
            left = True
        if not left:
            yield await self._settle()
            return
        await self._clear()
        self._tell(Notice(kind="success", title=f"You have left {name}"))
        yield rx.redirect("/")

    def _is_only_owner(self, member: MemberView) -> bool:
        """Whether the company would have no owner without ``member``, as far as the list tells."""
        return member.owner and not self.more and sum(one.owner for one in self.members) == 1

    def _ask(self, question: Question, member: MemberView) -> None:
        self.question, self.chosen, self.form = question, member, self.form.fresh()

    def _begins(self, question: Question) -> bool:
        """Whether the answer to ``question`` is to be carried out, which then begins."""
        begins = self.question == question and not self.form.busy
        if begins:
            self.form = self.form.begun()
        return begins

    def _refuse(self, notice: Notice) -> None:
        self.form = self.form.refused(in_a_dialog(notice))

    async def _settle(self, *, again: bool = True) -> Any:
        """End the question and, ``again``, read how things are now.

        Returns where to go if this person's own place in the company has gone.
        """
        self.form = self.form.finished()
        if not again or self.api_down:
            return None
        # What was asked for may have been refused because their own roles changed meanwhile.
        if (away := await self._enter()) is not None:
            return away
        if self.company.id != self._company:
            return rx.redirect("/dashboard")
        async with self._talk() as api:
            await self._read(api)
        return None

    async def _read(self, api: ApiClient) -> None:
        page = await self._tenant(api).access.members(limit=PAGE_ROWS)
        self.members.replace(map(self._view, page.items))
        self._continue_at(page.next_cursor)
        self.listed, self.failed = True, False

    def _continue_at(self, cursor: str | None) -> None:
        self._cursor, self.more = cursor or "", cursor is not None

    def _view(self, member: Member) -> MemberView:
        return member_view(member, self.person.id, datetime.now(UTC), words.zone(self._time_zone))

    def _broke(self, notice: Notice) -> None:
        self.failed, self.problem = not self.listed, notice
        if self.listed and not self.api_down:
            self._tell(notice)
