"""The OpenAPI document itself: valid, exact, printed as served, and good enough to generate a client from."""

import ast
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator

import module_sdk.api.client
from tests.api.operations import operations
from tests.conftest import SignIn
from tests.support.process import command

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def sent_with_a_key() -> list[str]:
    """Where the client sends an ``Idempotency-Key`` and so repeats a POST whose answer was lost."""
    clients = Path(module_sdk.api.client.__file__).parent
    return [
        node.name
        for file in clients.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        and any(argument.arg == "idempotency_key" for argument in node.args.kwonlyargs)
    ]


def test_what_the_client_repeats_the_api_answers_once(document: dict[str, Any]) -> None:
    honoured = {
        operation.spec["operationId"]
        for operation in operations(document)
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.spec.get("parameters", []))
    }
    sent = sent_with_a_key()
    assert len(sent) >= 9
    assert set(sent) == honoured


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_schemas_are_valid_and_every_example_fits(document: dict[str, Any]) -> None:
    checked = 0
    for operation in operations(document):
        responses = operation.spec["responses"].values()
        for place in [operation.spec.get("requestBody", {}), *responses]:
            for media in place.get("content", {}).values():
                schema = {"$schema": DIALECT, **media["schema"], "components": document["components"]}
                validator = jsonschema_rs.validator_for(schema, validate_formats=True)
                examples = [item["value"] for item in media.get("examples", {}).values()]
                for example in examples or [media["example"]]:
                    assert [error.message for error in validator.iter_errors(example)] == [], operation
                    checked += 1
    assert checked > 200


def test_requests_are_closed_and_replies_are_whole(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operation in operations(document):
        if operation.body is not None:
            name = operation.body["schema"]["$ref"].rpartition("/")[2]
            assert schemas[name]["additionalProperties"] is False, name
    for name in ("Tenant", "Message", "Conversation", "ConversationPage", "Problem", "Health"):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name
    assert schemas["Conversation"]["properties"]["created_at"]["format"] == "date-time"
    assert schemas["Profile"]["properties"]["goals"]["items"]["maxLength"] == 200


def test_patterns_can_be_read_by_every_language(document: dict[str, Any]) -> None:
    found = json.dumps(document)
    assert "(?" not in found.replace("(?:", ""), "look-around is missing in Go and Rust"


def test_no_component_is_unused(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert [name for name in document["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text] == []


def test_the_command_prints_what_is_served(document: dict[str, Any], environment: dict[str, str]) -> None:
    printed = command({"PATH": environment["PATH"]}, "openapi")
    assert printed.returncode == 0, printed.stderr
    static = json.loads(printed.stdout)
    for found in (static, served := json.loads(json.dumps(document))):
        for operation in operations(found):
            for limit in operation.spec.get("x-rate-limit", []):
                del limit["quota"]  # the tests' own, see conftest
    assert static == served


async def test_it_is_served_at_one_place(api_url: str) -> None:
    async with httpx.AsyncClient(base_url=api_url) as client:
        served = await client.get("/schema/openapi.json")
        assert served.headers["content-type"] == "application/json"
        for path in ("/schema/swagger", "/schema/redoc", "/schema/openapi.yaml", "/docs"):
            assert (await client.get(path)).status_code == 404, path


USE_OF_THE_CLIENT = """
import sys
from ocsuite_client import AuthenticatedClient
from ocsuite_client.api.c_suite import list_conversations
from ocsuite_client.api.tenants import create_tenant, list_tenants, save_profile
from ocsuite_client.models import Problem, Profile, Tenant, TenantCreate, TenantPage

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
made = create_tenant.sync(client=client, body=TenantCreate(name="Generated"), idempotency_key="generated-client")
assert isinstance(made, Tenant) and made.role == "owner", made
again = create_tenant.sync(client=client, body=TenantCreate(name="Generated"), idempotency_key="generated-client")
assert isinstance(again, Tenant) and again.id == made.id, again
page = list_tenants.sync(client=client)
assert isinstance(page, TenantPage) and [item.name for item in page.items] == ["Generated"], page
refused = save_profile.sync(made.id, client=client, body=Profile(country="Germany"))
assert isinstance(refused, Problem) and refused.code == "validation_failed", refused
assert refused.errors[0].path == "$.country", refused
found = list_conversations.sync(client=client, x_tenant_id=str(made.id), limit=5)
assert found.items == [] and found.next_cursor is None, found
"""


async def test_a_typed_client_can_be_generated_and_used(
    document: dict[str, Any], tmp_path: Path, someone: SignIn, api_url: str
) -> None:
    """Generated without a warning, and its types agree with the running API."""
    source, target = tmp_path / "openapi.json", tmp_path / "ocsuite_client"
    source.write_text(json.dumps(document))
    tools = Path(sys.executable).parent
    options = ["--path", str(source), "--output-path", str(target), "--meta", "none", "--fail-on-warning"]
    done = await asyncio.to_thread(
        subprocess.run,
        [str(tools / "openapi-python-client"), "generate", *options],
        env={"PATH": str(tools)},  # where it finds ruff, to format what it wrote
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    token = (await someone()).http.headers["Authorization"].removeprefix("Bearer ")
    command = [sys.executable, "-c", USE_OF_THE_CLIENT, api_url, token]
    used = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert used.returncode == 0, used.stderr
