"""The log of a real process during a whole scenario, good and bad: JSON throughout, and nothing secret in it."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.settings import Settings
from tests.support.people import Member, Person
from tests.support.process import api_process
from tests.support.sse import frames

PASSWORD = "a very secret passphrase 7391"
WRONG = "another secret passphrase 5482"
EMAIL = f"margaret.{uuid4().hex}@secrets.example"
NAME = "Margaret Elaine Heafield"
COMPANY = "Moonlanding Confidential Ltd"
MESSAGE = "our unannounced merger with Zyx Corporation"
TITLE = "Zebra negotiations"
GOAL = "Buy Quux before June"


async def live(url: str) -> list[str]:
    """Everything a person does, and everything that can be wrong with it; gives what nobody may read in a log."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        account = {"email": EMAIL, "password": PASSWORD, "full_name": NAME}
        up = await http.post("/auth/sign-up", json=account)
        assert up.status_code == 201, up.text
        assert (await http.post("/auth/sign-up", json=account)).status_code == 409
        assert (await http.post("/auth/sign-up", json=account | {"full_name": 7})).status_code == 422
        cookies = [http.cookies["ocsuite_session"]]
        wrong = await http.post("/auth/sign-in", json={"email": EMAIL, "password": WRONG})
        assert wrong.status_code == 401
        signed_in = await http.post("/auth/sign-in", json={"email": EMAIL, "password": PASSWORD})
        cookies.append(http.cookies["ocsuite_session"])
        renewed = await http.post("/auth/token")
        tokens = [answer.json()["access_token"] for answer in (up, signed_in, renewed)]
        http.headers["Authorization"] = f"Bearer {tokens[-1]}"
        key = f"idempotency-{uuid4()}"
        answer = await work(Member(Person(up.json()["user"]["id"], cookies[-1], http), uuid4()), key)
        forged = f"{tokens[-1][:-12]}forgedforged"
        for token in (forged, "x" * 9000, "not-a-token-but-secret"):
            refused = await http.get("/me", headers={"Authorization": f"Bearer {token}"})
            assert refused.status_code == 401
        assert (await http.post("/auth/sign-out")).status_code == 204
        assert (await http.get("/me")).json()["code"] == "session_expired"
    signatures = [token.rpartition(".")[2] for token in (*tokens, forged)]
    return [
        PASSWORD, WRONG, EMAIL, NAME, COMPANY, MESSAGE, TITLE, GOAL, key, answer, *cookies, *tokens, *signatures,
        "not-a-token-but-secret", "x" * 100,
    ]  # fmt: skip


async def work(stranger: Member, key: str) -> str:
    """A company, its profile, a conversation; gives the answer that the executive wrote."""
    http = stranger.person.http
    made = await http.post("/tenants", json={"name": COMPANY}, headers={"Idempotency-Key": key})
    member = Member(stranger.person, made.json()["id"])
    profile = {"goals": [GOAL], "description": MESSAGE, "country": "DE"}
    assert (await member.request("PUT", f"/tenants/{member.tenant_id}/profile", json=profile)).status_code == 200
    broken = profile | {"country": MESSAGE}
    assert (await member.request("PUT", f"/tenants/{member.tenant_id}/profile", json=broken)).status_code == 422
    chat = await member.request(
        "POST", "/c-suite/ceo/chat", json={"message": MESSAGE}, headers={"Idempotency-Key": key + "-chat"}
    )
    events = frames(chat.content)
    assert events[-1].name == "message.completed", events[-1]
    conversation = events[0].data["conversation"]["id"]
    path = f"/c-suite/conversations/{conversation}"
    assert (await member.request("PATCH", path, json={"title": TITLE})).status_code == 200
    found = await member.request("GET", "/c-suite/conversations", params={"q": "Zebra negotiations"})
    assert [item["title"] for item in found.json()["items"]] == [TITLE]
    assert (await member.request("GET", "/c-suite/conversations", params={"cursor": MESSAGE})).status_code == 422
    half = b'{"message": "' + MESSAGE.encode()
    assert (await member.request("POST", "/c-suite/ceo/chat", content=half)).status_code in {400, 415}
    assert (await stranger.request("GET", "/dashboard")).status_code == 404
    assert (await member.request("GET", f"/{MESSAGE}")).status_code == 404
    answer: str = events[-1].data["content"]
    assert len(answer) > 40
    return answer


def strings(node: Any) -> list[str]:
    """Every text of a line."""
    if isinstance(node, dict):
        return [text for item in node.items() for text in strings(item)]
    if isinstance(node, (list, tuple)):
        return [text for item in node for text in strings(item)]
    return [str(node)]


@pytest.mark.usefixtures("settings")
def test_nothing_secret_is_logged(environment: dict[str, str], tmp_path: Path, settings: Settings) -> None:
    log = tmp_path / "api.log"
    with api_process(environment, log) as (url, started):
        secrets = asyncio.run(live(url))
        started.terminate()
        assert started.wait(20) in {0, -signal.SIGTERM}  # uvicorn ends, in good order, by the signal it was sent
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) >= 20
    assert all(line["request_id"] and line["route"] and line["status"] for line in requests)
    assert any("tenant_id" in line for line in lines)
    assert {line["status"] for line in requests} >= {200, 201, 204, 401, 404, 409, 422}
    written = "\n".join(text for line in lines for text in strings(line))
    keys = [word for key in settings.master_keys for word in strings(key) if len(word) > 20]
    for secret in [*secrets, *keys, settings.database_url, settings.redis_url, "Traceback"]:
        assert secret not in written, secret[:60]
