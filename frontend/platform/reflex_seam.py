"""The one seam to Reflex's insides: who listens to a tab, what an event may be, and how long a state is kept.

Reflex knows a tab by a name that stands in the addresses of sockets, and believes whoever says it. Here a socket is
bound to the session that its cookie names when it connects: it gets a state, and what is sent for that state, of its
own session alone. The rest of the web app uses Reflex as it is documented; what is not, was read in 0.10.1 and is here.
"""

import asyncio
import inspect
import re
import time
from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any, Final, Protocol
from urllib.parse import parse_qs
from uuid import uuid4

import reflex as rx
from reflex.app import EventNamespace
from reflex.istate.manager.memory import StateManagerMemory
from reflex.istate.manager.token import StateToken
from reflex.state import BaseState, StateUpdate
from reflex_base.registry import RegistrationContext

from frontend.platform.logs import Oddities

#: How long a state is kept after its last event once its socket has gone, without a session and with one.
STRANGER_SECONDS: Final = 60.0
GONE_SECONDS: Final = 600.0
SWEEP_SECONDS: Final = 15.0
#: The longest address that a tab tells; of a longer one its path alone is kept.
MAX_ADDRESS: Final = 4096
_TAB: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class Binding(Protocol):
    """What the seam asks of the app."""

    def owner_of(self, state: BaseState) -> str:
        """The fingerprint of the session that a root state belongs to, ``""`` without one."""

    def listener_of(self, cookie_header: str) -> str:
        """The fingerprint of the session that a socket's cookies name, ``""`` without one."""


def install(app: rx.App, binding: Binding, odd: Oddities, *, origins: tuple[str, ...]) -> None:
    """Put our sockets and our store of states into ``app``, before it is served.

    ``origins`` are those whose pages may open sockets; none means the page's own.
    """
    assert app.sio is not None
    # An origin list that is empty would switch Engine.IO's check off; `None` asks for the page's own origin.
    app.sio.eio.cors_allowed_origins = list(origins) or None
    namespace = Tabs(app, binding, odd)
    made: Any = States  # mypy, by the order in which it reads Reflex, takes overloads of it for abstract ones
    namespace.states = app._state_manager = made(binding, namespace.is_connected)
    app._event_namespace = namespace
    app.sio.register_namespace(namespace)


class States(StateManagerMemory):
    """States in memory: kept while their tab is there, for a short while after it went, and hardly for strangers.

    A stranger's is not dropped earlier: the first event after that would load the page anew, and clear the verdict on a
    form that took long to fill in. How many strangers there are at a time, :mod:`frontend.platform.sockets` bounds.
    """

    def __init__(
        self,
        binding: Binding,
        is_connected: Callable[[str], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(token_expiration=int(GONE_SECONDS))
        self._binding, self._is_connected, self._clock = binding, is_connected, clock

    def owner_of(self, tab: str) -> str | None:
        """The session that the tab's state belongs to, ``""`` if to nobody, ``None`` without a state."""
        state = self.states.get(tab)
        return None if state is None else self._binding.owner_of(state)

    def release(self, tab: str) -> None:
        """The tab's socket has gone: a stranger's state goes too, and a session's stays for a tab that comes back."""
        token = self._tracked(tab)
        lock = self._states_locks.get(tab)
        if token is None or (lock is not None and lock.locked()):
            return
        if self.owner_of(tab):
            self._track_token(token)
        else:
            self._purge_token(token)

    def _tracked(self, tab: str) -> StateToken[Any] | None:
        found = self._token_expires_at.get(tab)
        return found[1] if found else None

    def _track_token(self, token: StateToken[Any]) -> None:
        key = token.cache_key
        gone = GONE_SECONDS if self.owner_of(key) else STRANGER_SECONDS
        lifetime = inf if self._is_connected(key) else gone
        self._token_expires_at[key] = (self._clock() + lifetime, token)
        self._ensure_expiration_task()  # type: ignore[no-untyped-call]  # Reflex's

    async def _expire_states(self) -> None:
        """Look again at short intervals: unlike in Reflex, a later state may have to go earlier."""
        try:
            while self._purge_expired_tokens() is not None:  # noqa: ASYNC110 - time passing is what is waited for
                await asyncio.sleep(SWEEP_SECONDS)
        finally:
            if self._expiration_task is asyncio.current_task():
                self._expiration_task = None


class Tabs(EventNamespace):
    """The sockets of all tabs."""

    states: States

    def __init__(self, app: rx.App, binding: Binding, odd: Oddities) -> None:
        super().__init__("/_event", app)
        self._binding, self._odd = binding, odd
        self._cookies: dict[str, str] = {}

    def is_connected(self, tab: str) -> bool:
        """Whether somebody listens for the tab."""
        return tab in self._token_manager.token_to_socket

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> Any:
        """Bind the socket to its session, then let Reflex greet it."""
        tabs = parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])
        if not _TAB.fullmatch(tabs[0]):
            self._odd.count("socket without a tab")
            return False
        headers = environ.get("asgi.scope", {}).get("headers", [])
        self._cookies[sid] = "; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie")
        try:
            return await super().on_connect(sid, environ, auth)
        except BaseException:
            self._cookies.pop(sid, None)
            raise

    def on_disconnect(self, sid: str) -> asyncio.Task[None] | None:
        """Forget the socket, and what was kept for a stranger."""
        tab = self.sid_to_token.get(sid)
        self._cookies.pop(sid, None)
        task: asyncio.Task[None] | None = super().on_disconnect(sid)
        if task is not None and tab is not None:
            task.add_done_callback(lambda _: self.states.release(tab))
        return task

    async def link_token_to_sid(self, sid: str, token: str, *, update_state: bool = True) -> None:
        """Give the socket its tab, or a new one if the state of that name is not of the socket's session."""
        owner = self.states.owner_of(token)
        if owner is not None and (not owner or owner != self._listener(sid)):
            if owner:
                self._odd.count("socket for a tab of another session")
            token = str(uuid4())
            await self.emit("new_token", token, to=sid)
        await super().link_token_to_sid(sid, token, update_state=update_state)

    async def on_event(self, sid: str, data: Any = None) -> None:
        """Pass on an event that a page of ours can send; count any other."""
        if (event := _event(data)) is None:
            self._odd.count("unknown event")
            return
        await super().on_event(sid, event)

    async def emit_update(self, update: StateUpdate, token: str) -> None:
        """Send an update to whoever listens for the tab, if the state that it is of belongs to their session."""
        record = self._token_manager.token_to_socket.get(token)
        if record is None:
            return
        owner = self.states.owner_of(token)
        if owner and owner != self._listener(record.sid):
            self._odd.count("update for another session")
            return
        await super().emit_update(update, token)

    def _listener(self, sid: str) -> str:
        return self._binding.listener_of(self._cookies.get(sid, ""))


def _event(data: Any) -> dict[str, Any] | None:
    """The parts of ``data`` that Reflex reads, ``None`` unless a handler takes it."""
    if not isinstance(data, dict):
        return None
    name, payload, router = data.get("name"), data.get("payload") or {}, data.get("router_data") or {}
    if not (isinstance(name, str) and isinstance(payload, dict) and isinstance(router, dict)):
        return None
    registered = RegistrationContext.get().event_handlers.get(name)
    if registered is None:
        return None
    try:
        _signature(registered.handler.fn).bind(None, **payload)
    except TypeError:
        return None
    return {"name": name, "payload": payload, "router_data": _place(router)}


@cache
def _signature(handler: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(handler)


def _place(router: dict[str, Any]) -> dict[str, Any]:
    """Where the tab is, as far as that is an address of ours."""
    path, full, query = router.get("pathname"), router.get("asPath"), router.get("query")
    path = path[:MAX_ADDRESS] if isinstance(path, str) else "/"
    if not isinstance(full, str) or len(full) > MAX_ADDRESS:
        return {"pathname": path, "asPath": path, "query": {}}
    values = query if isinstance(query, dict) else {}
    small = sum(len(str(key)) + len(str(value)) for key, value in values.items()) <= MAX_ADDRESS
    return {"pathname": path, "asPath": full, "query": values if small else {}}
