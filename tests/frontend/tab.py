"""A tab without a browser: the messages of its socket as Reflex's script sends them, and any others."""

import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from frontend.features.chat.state import ChatState
from frontend.platform.session import SessionState

STATE = "reflex___state____state"
SESSION = SessionState.get_full_name()
CHAT = ChatState.get_full_name()
BOOT = f"{STATE}.hydrate_and_load"
WAIT_SECONDS = 20.0


class Tab:
    """One socket. ``frames`` is all that it was sent, as text."""

    def __init__(self, url: str, cookie: str = "", name: str = "", **headers: str) -> None:
        self.name = name or str(uuid4())
        self.frames: list[str] = []
        more = {**headers, **({"Cookie": cookie} if cookie else {})}
        address = f"{url.replace('http', 'ws')}/_event/?EIO=4&transport=websocket&token={self.name}"
        self._socket = connect(address, additional_headers=more, compression=None, max_size=None, legacy=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, text: str | bytes) -> None:
        self._socket.send(text)

    def event(self, name: str, path: str = "/", **payload: Any) -> None:
        self.send(f"42/_event,{json.dumps(['event', self._event(name, path, payload)])}")

    def boot(self, path: str = "/") -> Self:
        """Connect as a page at ``path`` does."""
        self.send(f"40/_event,{json.dumps({'event': self._event(BOOT, path, {})})}")
        self.until(lambda frame: frame.startswith("40/_event"))
        return self

    def until(self, found: Callable[[str], bool]) -> str:
        """The next message for which ``found`` holds."""
        while True:
            frame = str(self._socket.recv(timeout=WAIT_SECONDS))
            if frame == "2":
                self.send("3")
                continue
            self.frames.append(frame)
            if found(frame):
                return frame

    def shows(self, text: str) -> str:
        return self.until(lambda frame: text in frame)

    def closed(self) -> int:
        """Wait for the server to close the socket; the code that it gave."""
        try:
            self.until(lambda _: False)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 0
        raise AssertionError("unreachable")

    @staticmethod
    def _event(name: str, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "payload": payload, "router_data": {"pathname": path, "asPath": path, "query": {}}}
