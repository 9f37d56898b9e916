"""The state that every page's state extends: who is signed in, for which company, and what went wrong.

A page's ``on_load`` handler starts with ``if (away := await self._enter()) is not None: return away`` and talks to
the API inside ``async with self._talk() as api:``, which turns every refusal into a notice, a sign-in or the banner of
a stopped API. Nothing secret is ever assigned to a state: the session stays in the HttpOnly cookie and tokens stay in
:mod:`frontend.platform.runtime`.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.platform import runtime
from frontend.platform.last_companies import remembered, remembering
from frontend.platform.problems import DENIED, denied_words
from frontend.platform.session_routes import END_PATH, MAX_PATH, SIGN_IN_PATH
from module_sdk.api.client import ApiClient, ApiError, ApiUnavailable, ClientError, TenantClient
from module_sdk.api.identity import Me, Membership

ONBOARDING_PATH: Final = "/onboarding"
#: Where people go who have no company, or whose access to the one being shown ended.
COMPANIES_PATH: Final = "/companies"

NoticeKind = Literal["error", "success", "info"]


@dataclass(frozen=True)
class Notice:
    """Something to tell the person. ``request_id`` lets support find the request, ``""`` if there was none.

    ``denied`` where nothing is wrong: they may not see or do it.
    """

    id: str = ""
    kind: NoticeKind = "error"
    title: str = ""
    detail: str = ""
    request_id: str = ""
    denied: bool = False


@dataclass(frozen=True)
class Person:
    """The signed-in person, as shown; ``id`` is a UUID in text, ``unconfirmed`` that their address is to be proven."""

    id: str = ""
    name: str = ""
    email: str = ""
    initials: str = ""
    unconfirmed: bool = False


@dataclass(frozen=True)
class Company:
    """A company that the person belongs to, as shown. ``id`` is a UUID in text, ``""`` before one is known.

    ``permissions`` say what to offer; the API decides. ``erase_after`` is when it will be erased (ISO 8601), or ``""``;
    ``erased_on`` says the same in words.
    """

    id: str = ""
    name: str = ""
    slug: str = ""
    role: str = ""
    initials: str = ""
    permissions: tuple[str, ...] = ()
    erase_after: str = ""
    erased_on: str = ""


class SessionState(rx.State):
    """Session, company and notices of one browser tab."""

    person: Person = Person()
    company: Company = Company()
    companies: list[Company] = []
    #: True once the session was confirmed for the page being shown; pages show skeletons until then.
    entered: bool = False
    notices: list[Notice] = []
    api_down: bool = False
    #: A random word and a path: the browser loads the path once for each word (see ``kit.feedback.Leave``).
    leave: str = ""
    #: Not secret: which company this tab shows, whatever another tab does.
    company_id: str = rx.SessionStorage("", name="ocsuite_company")
    #: Not secret: which company each account used last in this browser, as JSON; where new tabs begin.
    last_companies: str = rx.LocalStorage("", name="ocsuite_last_companies")
    #: The company that was being shown when the person's access to it ended.
    lost_company: str = ""

    _session: str = ""

    @rx.event
    def dismiss(self, notice_id: str) -> None:
        """Remove a notice."""
        self.notices = [notice for notice in self.notices if notice.id != notice_id]

    @rx.event
    def failed_unexpectedly(self, reference: str) -> None:
        """Tell the person about a fault of our own; ``reference`` is in the log beside its trace."""
        self._tell(
            Notice(title="Something went wrong on our side", detail="Try again in a moment.", request_id=reference)
        )

    @rx.event
    async def choose_company(self, company_id: str) -> Any:
        """Show another of the person's companies."""
        if not any(company.id == company_id for company in self.companies):
            return None
        self.company_id = company_id
        await self._clear(keep_company=True)
        return self._reload() if self._path() == "/dashboard" else rx.redirect("/dashboard")

    @rx.event
    async def sign_out(self) -> None:
        """End the session on the server, then in the browser."""
        await self._end_session(f"{SIGN_IN_PATH}?reason=signed-out")

    async def _end_session(self, next_path: str) -> None:
        """End the session and go on to ``next_path`` without one."""
        session = self._session_value()
        if session is not None:
            run = runtime.current()
            run.tokens.drop(session)
            try:
                await run.api.sign_out(f"{runtime.SESSION_COOKIE}={session}")
            except ApiError as error:
                if error.problem.status != 401:
                    self._tell(notice_of(error))
                    return
            except ClientError as error:
                self._tell(notice_of(error))
                return
        await self._clear()
        ticket = runtime.current().tickets.issue(None, next_path)
        self._leave_for(f"{END_PATH}?{urlencode({'ticket': ticket})}")

    @rx.event
    async def check_api(self) -> Any:
        """Load the page's content anew once a stopped API answers again; the banner asks every two seconds."""
        if not self.api_down or not await runtime.current().api_answers():
            return None
        self.api_down = False
        return self._reload()

    async def _enter(self, *, needs_company: bool = True) -> Any:
        """Confirm the session for a page that is being loaded.

        Returns ``None`` if the page may load its content, otherwise what to return from ``on_load`` instead.
        """
        session = self._session_value()
        if session is None:
            await self._clear()
            # Clerk's session lives in the browser, which has not told us of it yet: `ClerkState.take_session` goes on.
            return [] if runtime.current().settings.clerk_publishable_key else self._to_sign_in("")
        if self._session and self._session != runtime.fingerprint(session):
            await self._clear()
        self._session = runtime.fingerprint(session)
        me: Me | None = None
        async with self._talk() as api:
            me = await api.me()
        if me is None:
            return []
        ended = await self._take(me)
        self.entered = True
        if needs_company and (ended or not self.company.id):
            return rx.redirect(COMPANIES_PATH)
        if needs_company:
            self.lost_company = ""
        return None

    async def _take(self, me: Me) -> bool:
        """Show whom ``me`` says: the person, and the tab's company, or else the one that they used last.

        Returns whether their access to the tab's company has ended; nothing of it is left then.
        """
        ids = [str(membership.tenant.id) for membership in me.memberships]
        last = remembered(self.last_companies)
        mine = last.get(str(me.user.id), "")
        wanted, shown, name = str(self.company_id), self.company.id, self.company.name
        ended = wanted not in ids and wanted in {shown, mine} - {""}
        if shown and shown not in ids:
            session, down = self._session, self.api_down
            await self._clear()
            self._session, self.api_down = session, down
            self.lost_company = name
        companies = {company.id: company for company in map(_company, me.memberships)}
        chosen = next((one for one in (wanted, mine, *ids) if one in companies), "")
        self.person, self.companies = _person(me), list(companies.values())
        self.company, self.company_id = companies.get(chosen, Company()), chosen
        if chosen and mine != chosen:
            self.last_companies = remembering(last, str(me.user.id), chosen)
        return ended

    def _talk(self, on_problem: Callable[[Notice], None] | None = None) -> "Talk":
        """The API on behalf of this session; refusals end the block and become a notice.

        ``on_problem`` receives the notice instead, for pages that show the error in place of their content. An ended
        session leads to the sign-in page, a stopped API to the banner.
        """
        return Talk(self, on_problem)

    def _tenant(self, api: ApiClient) -> TenantClient:
        """``api`` within the chosen company."""
        return api.for_tenant(UUID(self.company.id))

    def _tell(self, notice: Notice) -> None:
        """Show a notice; at most four at a time."""
        fresh = Notice(secrets.token_urlsafe(6), notice.kind, notice.title, notice.detail, notice.request_id)
        self.notices = [*self.notices[-3:], fresh]

    def _leave_for(self, path: str) -> None:
        """Have the browser load ``path`` in full, which also opens a new connection with the current cookies."""
        self.leave = f"{secrets.token_urlsafe(6)} {path}"

    def _forget_another_session(self) -> None:
        """Forget what a session other than the present one left in this tab."""
        if self._session:
            session = self._session_value()
            if session is None or runtime.fingerprint(session) != self._session:
                self._forget()

    def _forget(self) -> None:
        """Forget everything but what the browser remembers for all of its accounts."""
        last = self.last_companies
        self.reset()  # type: ignore[no-untyped-call]  # Reflex's
        self.last_companies = last

    def _session_value(self) -> str | None:
        return runtime.current().session_of(self.router.headers.cookie)

    def _path(self) -> str:
        return self.router.url.path or "/"

    def _reload(self) -> list[Any]:
        """The events that load the content of the page being shown."""
        return runtime.current().load_events(self._path())

    def _to_sign_in(self, reason: str) -> Any:
        return rx.redirect(sign_in_address(self._path(), self.router.url.query, reason), replace=True)

    async def _expire(self) -> None:
        if session := self._session_value():
            runtime.current().tokens.drop(session)
        await self._clear(keep_company=True)
        self._leave_for(sign_in_address(self._path(), self.router.url.query, "expired"))

    async def _has_lost_access(self) -> bool:
        """Whether the API knows nothing of the company because the person is no member any more; the tab leaves it."""
        if not self.company.id:
            return False
        try:
            me = await runtime.current().api_for(self._session_value() or "", self.router.session.client_ip).me()
        except ClientError:
            return False
        ended = await (await self.get_state(SessionState))._take(me)
        if ended:
            self._leave_for(COMPANIES_PATH)
        return ended

    async def _clear(self, *, keep_company: bool = False) -> None:
        """Forget everything that belongs to a person, on this page and on all others."""
        state = await self.get_state(SessionState)
        company_id, down = state.company_id, state.api_down
        state._forget()
        state.api_down = down
        if keep_company:
            state.company_id = company_id


class Talk:
    """A block of calls to the API; see :meth:`SessionState._talk`. Errors that are not the API's pass through."""

    def __init__(self, state: SessionState, on_problem: Callable[[Notice], None] | None) -> None:
        self._state = state
        self._on_problem = on_problem

    async def __aenter__(self) -> ApiClient:
        """The API; without a session its first call is refused, which leads to the sign-in page."""
        state = self._state
        return runtime.current().api_for(state._session_value() or "", state.router.session.client_ip)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        """Deal with a refusal; true if there was one."""
        state = self._state
        if error is None:
            state.api_down = False
            return False
        if not isinstance(error, ClientError):
            return False
        if isinstance(error, ApiError) and error.problem.status == 401:
            await state._expire()
        elif isinstance(error, ApiUnavailable) and self._on_problem is None:
            state.api_down = True
        else:
            state.api_down = isinstance(error, ApiUnavailable)
            if isinstance(error, ApiError) and error.problem.status == 404 and await state._has_lost_access():
                return True
            (self._on_problem or state._tell)(notice_of(error))
        return True


def sign_in_address(path: str, query: str, reason: str) -> str:
    """The sign-in page, coming back to ``path`` afterwards; ``reason`` is ``expired`` or ``""``."""
    target = f"{path}?{query}" if query else path
    back = path not in ("/", SIGN_IN_PATH) and len(target) <= MAX_PATH
    values = {"reason": reason, "next": target if back else ""}
    given = urlencode({key: value for key, value in values.items() if value})
    return f"{SIGN_IN_PATH}?{given}" if given else SIGN_IN_PATH


def initials(name: str) -> str:
    """One or two capitals that stand for ``name``."""
    words = [word for word in name.split() if word[0].isalnum()]
    picked = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in picked).upper() or "?"


def _person(me: Me) -> Person:
    user = me.user
    return Person(
        id=str(user.id),
        name=user.full_name,
        email=user.email or "",
        initials=initials(user.full_name),
        unconfirmed=me.email_unconfirmed,
    )


def _company(membership: Membership) -> Company:
    tenant = membership.tenant
    return Company(
        id=str(tenant.id),
        name=tenant.name,
        slug=tenant.slug,
        role=membership.role,
        initials=initials(tenant.name)[:1],
        permissions=tuple(membership.permissions),
        erase_after="" if membership.erase_after is None else membership.erase_after.isoformat(),
        erased_on="" if membership.erase_after is None else words.exact(membership.erase_after),
    )


def notice_of(error: ClientError) -> Notice:
    """``error`` in words: the problem's own where there is one."""
    if isinstance(error, ApiError):
        problem = error.problem
        if problem.code == DENIED:
            return Notice(title="This is closed to you", detail=denied_words(problem), denied=True)
        return Notice(title=problem.title, detail=problem.detail or "", request_id=problem.request_id)
    if isinstance(error, ApiUnavailable):
        return Notice(title="The service cannot be reached", detail="Nothing was lost. Try again in a moment.")
    return Notice(title="The service gave an answer that this page does not understand", detail="Reload the page.")
