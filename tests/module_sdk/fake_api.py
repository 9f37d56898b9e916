"""A scripted API over real sockets: it answers what a test queued for a path, and keeps every request."""

import asyncio
import json
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Seen(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """``cut`` breaks the connection after ``body``; ``hang`` leaves it open after ``body`` until the client leaves."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),)
    cut: bool = False
    hang: bool = False


class Cut(Exception):
    pass


class FakeApi:
    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.left = threading.Event()
        self._answers: defaultdict[tuple[str, str], deque[Answer]] = defaultdict(deque)

    def reset(self) -> None:
        self.seen.clear()
        self.left.clear()
        self._answers.clear()

    def queue(self, method: str, path: str, *answers: Answer) -> None:
        """Answers in turn; the last one is repeated."""
        self._answers[method, path].extend(answers)

    def requests(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append(
            Seen(scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers, body)
        )
        answers = self._answers[scope["method"], scope["raw_path"].decode()]
        answer = answers.popleft() if len(answers) > 1 else answers[0] if answers else not_found()
        lines = [(name.encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": lines})
        await send({"type": "http.response.body", "body": answer.body, "more_body": answer.cut or answer.hang})
        if answer.cut:
            # Lets the bytes leave before the connection goes.
            await asyncio.sleep(0.02)
            raise Cut
        if answer.hang:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()


def reply(body: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    return Answer(status, json.dumps(body).encode(), (("content-type", "application/json"), *headers))


def problem(status: int, code: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    body = {"type": "about:blank", "title": "Refused", "status": status, "code": code, "request_id": "r1"}
    return Answer(status, json.dumps(body).encode(), (("content-type", "application/problem+json"), *headers))


def not_found() -> Answer:
    return problem(404, "not_found")


@contextmanager
def serving(app: FakeApi) -> Iterator[FakeApi]:
    """Runs ``app`` on a free port of the loopback in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    app.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(app, lifespan="off", ws="none", log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield app
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
