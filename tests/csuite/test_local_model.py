"""The whole path against software that is not ours: llama.cpp's server with a small real model."""

from backend.domains.csuite.providers.factory import LOCAL_MODEL
from backend.settings import Settings
from tests.conftest import SignIn
from tests.support.ports import reserved_port
from tests.support.process import api_process, process, wait_until_answered
from tests.support.sse import frames

ASKED = 8
"""A model of this size draws its words by chance, and says only two or three now and then."""


async def test_chat_is_answered_by_the_local_model(
    environment: dict[str, str], settings: Settings, someone: SignIn
) -> None:
    member = await (await someone()).found("Acme Robotics", industry="Robotics")
    port = reserved_port()
    with process("model", environment, "--port", str(port)) as started:
        url = f"http://127.0.0.1:{port}"
        wait_until_answered(f"{url}/health", started)
        chosen = {**environment, "LLM_PROVIDER": "local", "LLM_BASE_URL": f"{url}/v1"}
        with api_process(chosen) as (api, _):
            said = list[str]()
            for _ in range(ASKED):
                answer = await member.person.http.post(
                    f"{api}/c-suite/ceo/chat",
                    json={"message": "Write three sentences about what a company is."},
                    headers={"X-Tenant-Id": str(member.tenant_id)},
                    timeout=90,
                )
                events = frames(answer.content)
                assert events[-1].name == "message.completed", events[-1].data
                assert (events[-1].data["provider"], events[-1].data["model"]) == ("local", LOCAL_MODEL)
                said.append(events[-1].data["content"])
                if len(said[-1].split()) > 3:
                    assert len(events) > 4, "it did not stream"
                    break
    assert len(said[-1].split()) > 3, said
