"""Roles of the chosen company: what each allows, and making, changing, copying and deleting the company's own."""

from dataclasses import replace
from typing import Any, Final

import reflex as rx

from frontend.features.access.views import AreaView, RoleView, areas, chosen, role_view
from frontend.kit.form import Form, form_key
from frontend.kit.problems import DeniedView, denied_view, in_a_dialog
from frontend.platform.problems import DENIED, field_errors, one_of, sentence
from frontend.platform.session import Notice, SessionState
from module_sdk.api.access import Role, RoleCreate, RolePatch
from module_sdk.api.client import ApiError
from module_sdk.api.text import clean_line, clean_name

MANAGE: Final = "roles.manage"
NAME_CHARS: Final = 60
DESCRIPTION_CHARS: Final = 280
USERS_SHOWN: Final = 5
_MEMBERS_READ: Final = 100
_FIELDS: Final = ("name", "description", "permissions")


class RolesState(SessionState):
    """What the page ``/team/roles`` shows."""

    loaded: bool = False
    failed: bool = False
    problem: Notice = Notice()
    denied: DeniedView = DeniedView()
    roles: list[RoleView] = []
    areas: list[AreaView] = []
    #: The role that small screens show, where there is room for one.
    shown: RoleView = RoleView()
    #: The roles that may change roles, in words.
    managers: str = ""

    form: Form = Form.of(*_FIELDS)
    #: What the form was opened for, as its buttons say it: ``new``, or ``copy`` or ``change`` and the key of a role.
    purpose: str = ""
    #: What the form began with; its ``key`` is ``""`` for a new role.
    draft: RoleView = RoleView()
    #: The key of the role that a new one began as a copy of.
    source: str = ""
    #: Counts in text how often another role was chosen to copy, so that the permissions begin anew.
    ticks_round: str = "0"

    doomed: RoleView = RoleView()
    #: Who has the role that is to be deleted, in words.
    users: str = ""
    deletion: Form = Form()

    _company: str = ""

    @rx.event
    async def load(self) -> Any:
        """Read roles and everything that they can consist of."""
        if (away := await self._enter()) is not None:
            return away
        if self._company != self.company.id:
            self._company, self.loaded, self.roles, self.shown = self.company.id, False, [], RoleView()
        self.failed, self.denied = False, DeniedView()
        self._put_away()
        await self._read()
        return None

    @rx.event
    def show(self, key: str) -> None:
        """Show this role on small screens."""
        self.shown = self._role(key)

    @rx.event
    def begin(self, purpose: str, key: str) -> None:
        """Fill the form: for a new role, for a ``copy`` of one or for a ``change`` of the company's own."""
        found, draft, source = self._role(key), RoleView(), ""
        if purpose == "copy":
            name = f"Copy of {found.name}"[:NAME_CHARS]
            draft = RoleView(name=name, description=found.description, permissions=self._own(found))
            source = key
        elif purpose == "change":
            if found.built_in:
                return
            draft = found
        self.draft, self.source, self.purpose, self.form = draft, source, purpose + key, self.form.fresh()

    @rx.event
    def start_from(self, key: str) -> None:
        """Tick what another role allows; what was typed stays."""
        self.source = key
        self.draft = replace(self.draft, permissions=self._own(self._role(key)))
        self.ticks_round = str(int(self.ticks_round) + 1)

    @rx.event
    def close_form(self) -> None:
        """Leave everything as it is."""
        self._put_away()

    @rx.event
    async def save(self, data: dict[str, Any]) -> Any:
        """Make or change the role; reasons for refused fields appear beside them."""
        draft, ticked = self.draft, chosen(data)
        name = clean_name(str(data.get("role-name", "")))
        description = clean_line(str(data.get("role-description", "")))
        # Ticks that the person may not change are not sent with the form; a role that has them keeps them.
        permissions = sorted(ticked | (set(draft.permissions) - set(self.company.permissions)))
        refused = self.form.refused(
            name="" if name else "Enter a name for the role.",
            permissions="" if permissions else "Tick at least one permission.",
        )
        if refused.has_errors:
            self.form = refused
            return
        self.form = self.form.begun()
        yield
        stored: Role | None = None
        async with self._talk(self._form_failed) as api:
            access = self._tenant(api).access
            try:
                if draft.key:
                    patch = RolePatch(name=name, description=description, permissions=permissions)
                    stored = await access.change_role(draft.key, patch)
                else:
                    body = RoleCreate(name=name, description=description, permissions=permissions)
                    stored = await access.create_role(body, idempotency_key=form_key(data))
            except ApiError as error:
                self._explain(error)
        if stored is not None:
            self.form = self.form.finished()
            self._tell(Notice(kind="success", title="Role saved" if draft.key else "Role created"))
            # Whoever changed a role of their own may do other things from now on.
            await self._enter()
            await self._read()
            self.shown = self._role(stored.key)

    @rx.event
    async def ask_to_delete(self, key: str) -> Any:
        """Ask before a role is deleted, or say who has it."""
        doomed = self._role(key)
        if doomed.built_in:
            return
        self.doomed = doomed
        self.users = f"{doomed.use} {_have(doomed)} it."
        if not doomed.members or "members.read" not in self.company.permissions:
            return
        yield
        # Names are a help; without them the numbers say enough.
        async with self._talk(_without_a_word) as api:
            page = await self._tenant(api).access.members(limit=_MEMBERS_READ)
            names = [one.full_name for one in page.items if any(role.key == key for role in one.roles)][:USERS_SHOWN]
            more = [f"{doomed.members - len(names)} more"] if names and doomed.members > len(names) else []
            if names and self.doomed.key == key:
                self.users += f" Among members: {one_of([*names, *more], 'and')}."

    @rx.event
    def keep(self) -> None:
        """Delete nothing."""
        self._put_away()

    @rx.event
    async def delete(self, _data: dict[str, Any]) -> Any:
        """Delete the role that was asked about."""
        doomed = self.doomed
        if not doomed.key or doomed.used or self.deletion.busy:
            return
        self.deletion = self.deletion.begun()
        yield
        deleted = False
        async with self._talk(self._deletion_failed) as api:
            await self._tenant(api).access.delete_role(doomed.key)
            self.deletion, deleted = self.deletion.finished(), True
            self._tell(Notice(kind="success", title="Role deleted"))
        if deleted:
            await self._read()

    def _put_away(self) -> None:
        self.purpose, self.form = "", self.form.fresh()
        self.doomed, self.deletion = RoleView(), self.deletion.fresh()

    async def _read(self) -> None:
        async with self._talk(self._fail) as api:
            access = self._tenant(api).access
            try:
                catalogue, found = await access.permissions(), await access.roles()
            except ApiError as error:
                if error.problem.code != DENIED:
                    raise
                self.denied = denied_view(error.problem, "You cannot see this company's roles")
                return
            self.areas = areas(catalogue.items, self.company.permissions)
            self.roles = sorted((role_view(role) for role in found.items), key=lambda role: not role.built_in)
            self.shown = self._role(self.shown.key) if self._role(self.shown.key).key else self.roles[0]
            self.loaded = True
            self.managers = one_of([role.name for role in self.roles if MANAGE in role.permissions], "and")

    def _role(self, key: str) -> RoleView:
        return next((role for role in self.roles if role.key == key), RoleView())

    def _own(self, role: RoleView) -> list[str]:
        """What the person holds of what ``role`` allows, and so may give to another role."""
        return [permission for permission in role.permissions if permission in self.company.permissions]

    def _explain(self, error: ApiError) -> None:
        """Put a refusal where it belongs in the form."""
        problem = error.problem
        if problem.code == "role_taken":
            self.form = self.form.refused(name=sentence(problem.title))
        elif problem.code == DENIED:
            self.form = self.form.refused(permissions=sentence(problem.detail or problem.title))
        elif found := field_errors(problem, _FIELDS):
            self.form = self.form.refused(fields=found)
        else:
            raise error

    def _form_failed(self, notice: Notice) -> None:
        self.form = self.form.refused(in_a_dialog(notice))

    def _deletion_failed(self, notice: Notice) -> None:
        self.deletion = self.deletion.refused(in_a_dialog(notice))

    def _fail(self, notice: Notice) -> None:
        self.failed, self.problem = not self.loaded, notice
        if self.loaded:
            self._tell(notice)


def _without_a_word(_notice: Notice) -> None:
    """Tell nobody about a refusal."""


def _have(role: RoleView) -> str:
    return "has" if role.use.startswith("1 ") and " and " not in role.use else "have"
