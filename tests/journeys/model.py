"""The mock's answers, from an endpoint that waits in the middle of one for as long as a test wants."""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import msgspec

from backend.domains.csuite.providers.mock import compose
from module_sdk.contract.module import ChatPrompt, ChatTurn
from tests.support.model import DONE, chunk

_PACE: Final = 1 / 60  # s between words, as the mock's
#: So many words of an answer come before it waits: more than a test reads, less than the shortest answer.
_HELD_AFTER: Final = 30


class HeldModel:
    """An OpenAI-compatible model. Without :meth:`held` an answer may be whole before a busy browser shows its start."""

    def __init__(self) -> None:
        self._holds = 0
        self._goes_on = threading.Event()
        self._goes_on.set()
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for part in model._answer(asked["messages"]):
                    try:
                        self.wfile.write(part)
                    except OSError:  # whoever asked has stopped the answer, or was killed
                        return

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def environ(self) -> Mapping[str, str]:
        """What makes the product ask it."""
        url = f"http://127.0.0.1:{self._server.server_port}/v1"
        return {"LLM_PROVIDER": "openai", "LLM_BASE_URL": url, "LLM_MODEL": "held", "LLM_API_KEY": "sk-unused"}

    @contextmanager
    def serving(self) -> Iterator["HeldModel"]:
        """Answer until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, name="model")
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """No answer comes to its end before the block does."""
        self._holds += 1
        self._goes_on.clear()
        try:
            yield
        finally:
            self._holds -= 1
            if not self._holds:
                self._goes_on.set()

    def _answer(self, messages: list[dict[str, str]]) -> Iterator[bytes]:
        prompt = ChatPrompt(system=messages[0]["content"], turns=msgspec.convert(messages[1:], list[ChatTurn]))
        for number, word in enumerate(re.findall(r"\S+\s*", compose(prompt))):
            if number >= _HELD_AFTER:
                self._goes_on.wait()
            time.sleep(_PACE)
            yield chunk(word)
        yield chunk(finish="stop") + DONE
