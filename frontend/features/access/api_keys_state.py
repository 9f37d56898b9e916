"""API keys of the chosen company: which there are, making and revoking them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.features.access.views import AreaView, areas, bare_areas, chosen
from frontend.kit.form import Form, form_key
from frontend.kit.paged_list import PagedList, with_paged_lists
from frontend.kit.problems import DeniedView, denied_view, in_a_dialog
from frontend.platform import runtime
from frontend.platform.problems import DENIED, field_errors, sentence
from frontend.platform.session import Notice, SessionState
from module_sdk.api.access import ApiKey, ApiKeyCreate, ApiKeyMade
from module_sdk.api.client import ApiError, TenantClient
from module_sdk.api.text import clean_name

PAGE_ROWS: Final = 50
NAME_CHARS: Final = 120
LIFETIMES: Final = (30, 90, 365)
DEFAULT_LIFETIME: Final = 90
_FIELDS: Final = ("name", "permissions", "expires_in_days")
#: What a new key is tried with, by the permission that this takes.
_EXAMPLES: Final = (
    ("dashboard.read", "/dashboard"),
    ("members.read", "/team/members"),
    ("chat.read", "/c-suite/conversations"),
    ("audit.read", "/audit"),
)


@dataclass(frozen=True)
class Moment:
    """A time in words: relative, and exact behind it."""

    ago: str = ""
    iso: str = ""
    exact: str = ""


@dataclass(frozen=True)
class KeyView:
    """A key without its secret. ``status`` is the contract's; ``used`` is empty for a key that never was.

    ``ends`` is when it expires, or when it was revoked.
    """

    id: str = ""
    name: str = ""
    prefix: str = ""
    count: str = ""
    permissions: list[str] = field(default_factory=list)
    made_by: str = ""
    status: str = ""
    made: Moment = Moment()
    ends: Moment = Moment()
    used: Moment = Moment()


@with_paged_lists
class ApiKeysState(SessionState):
    """What the page ``/settings/api-keys`` shows."""

    loaded: bool = False
    failed: bool = False
    problem: Notice = Notice()
    denied: DeniedView = DeniedView()
    keys = PagedList(KeyView)
    more: bool = False
    fetching_more: bool = False
    #: What the person holds, and so may give to a key.
    areas: list[AreaView] = []

    form: Form = Form.of(*_FIELDS)
    made: KeyView = KeyView()
    #: The one secret that a state ever holds, because the person has to see it: from the moment when its key is made
    #: until they close the dialog that shows it, open the page anew or sign out.
    secret: str = ""
    example: str = ""

    doomed: KeyView = KeyView()
    revocation: Form = Form()

    _cursor: str = ""
    _company: str = ""
    #: Titles of permissions by their keys.
    _titles: dict[str, str] = {}

    @rx.event
    async def load(self) -> Any:
        """Read the keys."""
        self.secret = self.example = ""
        self.doomed, self.made = KeyView(), KeyView()
        self.form, self.revocation = self.form.fresh(), self.revocation.fresh()
        if (away := await self._enter()) is not None:
            return away
        if self._company != self.company.id:
            self._company, self.loaded = self.company.id, False
            self.keys.clear()
        self.failed, self.denied = False, DeniedView()
        async with self._talk(self._fail) as api:
            await self._read(self._tenant(api))
        return None

    @rx.event
    async def load_more(self) -> Any:
        """Append the next page of the list."""
        if not self.more or self.fetching_more:
            return
        self.fetching_more = True
        yield
        async with self._talk() as api:
            page = await self._tenant(api).access.api_keys(cursor=self._cursor, limit=PAGE_ROWS)
            self.keys.append(*map(self._view, page.items))
            self._continue_at(page.next_cursor)
        self.fetching_more = False

    @rx.event
    def close_form(self) -> None:
        """Make no key."""
        self.form = self.form.fresh()

    @rx.event
    async def create(self, data: dict[str, Any]) -> Any:
        """Make a key and show its secret."""
        name, permissions = clean_name(str(data.get("key-name", ""))), sorted(chosen(data))
        given = str(data.get("key-days", ""))
        days = int(given) if given in map(str, LIFETIMES) else DEFAULT_LIFETIME
        refused = self.form.refused(
            name="" if name else "Enter a name to know the key by.",
            permissions="" if permissions else "Tick at least one permission.",
        )
        if refused.has_errors:
            self.form = refused
            return
        self.form = self.form.begun()
        yield
        async with self._talk(self._form_failed) as api:
            try:
                body = ApiKeyCreate(name=name, permissions=permissions, expires_in_days=days)
                self._show(await self._tenant(api).access.create_api_key(body, idempotency_key=form_key(data)))
            except ApiError as error:
                self._explain(error)

    @rx.event
    def forget_secret(self) -> None:
        """The person has stored it."""
        self.secret = self.example = ""

    @rx.event
    def ask_to_revoke(self, key_id: str) -> None:
        """Ask before a key ends: that cannot be undone."""
        self.doomed = self.keys.get(key_id) or KeyView()

    @rx.event
    def keep(self) -> None:
        """Revoke nothing."""
        self.doomed, self.revocation = KeyView(), self.revocation.fresh()

    @rx.event
    async def revoke(self, _data: dict[str, Any]) -> Any:
        """End the key that was asked about."""
        doomed = self.doomed
        if not doomed.id or self.revocation.busy:
            return
        self.revocation = self.revocation.begun()
        yield
        revoked = False
        async with self._talk(self._revocation_failed) as api:
            tenant = self._tenant(api)
            await tenant.access.revoke_api_key(UUID(doomed.id))
            self.revocation, revoked = self.revocation.finished(), True
            self._tell(Notice(kind="success", title="Key revoked", detail=f"“{doomed.name}” has stopped working."))
        if revoked:
            async with self._talk() as api:
                await self._read(self._tenant(api))

    async def _read(self, tenant: TenantClient) -> None:
        try:
            page = await tenant.access.api_keys(limit=PAGE_ROWS)
        except ApiError as error:
            if error.problem.code != DENIED:
                raise
            self.denied = denied_view(error.problem, "You cannot see this company's API keys")
            return
        self.areas = await self._grantable(tenant)
        self.keys.replace(map(self._view, page.items))
        self._continue_at(page.next_cursor)
        self.loaded = True

    async def _grantable(self, tenant: TenantClient) -> list[AreaView]:
        """The person's own permissions, with titles where they may read the catalogue of permissions."""
        try:
            catalogue = (await tenant.access.permissions()).items
        except ApiError as error:
            if error.problem.code != DENIED:
                raise
            return bare_areas(self.company.permissions)
        self._titles = {permission.key: permission.title for permission in catalogue}
        # What owners alone may do, they do in person.
        held = set(self.company.permissions) - {one.key for one in catalogue if one.roles == ["owner"]}
        return areas([permission for permission in catalogue if permission.key in held], held)

    def _show(self, made: ApiKeyMade) -> None:
        """Close the form and show the secret of a new key."""
        self.form = self.form.finished()
        self.made, self.secret = self._view(made.api_key), made.secret
        self.example = example(made)
        self.keys.prepend(self.made)

    def _view(self, key: ApiKey) -> KeyView:
        return key_view(key, self._titles)

    def _continue_at(self, cursor: str | None) -> None:
        self._cursor, self.more = cursor or "", cursor is not None

    def _explain(self, error: ApiError) -> None:
        """Put a refusal where it belongs in the form."""
        problem = error.problem
        if problem.code == DENIED:
            self.form = self.form.refused(permissions=sentence(problem.detail or problem.title))
        elif found := field_errors(problem, _FIELDS):
            self.form = self.form.refused(fields=found)
        else:
            raise error

    def _form_failed(self, notice: Notice) -> None:
        self.form = self.form.refused(in_a_dialog(notice))

    def _revocation_failed(self, notice: Notice) -> None:
        self.revocation = self.revocation.refused(in_a_dialog(notice))

    def _fail(self, notice: Notice) -> None:
        self.failed, self.problem = not self.loaded, notice
        if self.loaded:
            self._tell(notice)


def key_view(key: ApiKey, titles: Mapping[str, str]) -> KeyView:
    """``key`` in words; permissions without a title are shown by their keys."""
    return KeyView(
        id=str(key.id),
        name=key.name,
        prefix=key.prefix,
        count=words.count(len(key.permissions), "permission"),
        permissions=[titles.get(permission, permission) for permission in key.permissions],
        made_by=key.made_by.full_name,
        status=key.status,
        made=_moment(key.created_at),
        ends=_moment(key.revoked_at or key.expires_at),
        used=Moment() if key.last_used_at is None else _moment(key.last_used_at),
    )


def example(made: ApiKeyMade) -> str:
    """A command for a shell that uses the key, kept in ``KEY``, for something that it may do."""
    settings = runtime.current().settings
    # Only on one machine is the API where this process sees it.
    address = settings.api_url if settings.is_local else "https://YOUR-API"
    held = made.api_key.permissions
    path = next((path for permission, path in _EXAMPLES if permission in held), "/me")
    return f'curl {address}{path} \\\n  --header "Authorization: Bearer $KEY"'


def _moment(at: datetime) -> Moment:
    return Moment(words.ago(at, datetime.now(UTC)), at.isoformat(), words.exact(at))
