"""The package as it is published: what it holds, what it imports, what it shows."""

import ast
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import msgspec
import pytest

import module_sdk
import module_sdk.api.client

SOURCE = Path(module_sdk.__file__).parent
CLIENT = "api/client/"
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel built from the sdist: exactly what someone else would build."""
    work = tmp_path_factory.mktemp("build")
    shutil.copytree(SOURCE, work / "source", ignore=shutil.ignore_patterns("__pycache__"))
    sdist = work / build("sdist", work / "source", work)
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "unpacked", filter="data")
    (unpacked,) = (work / "unpacked").iterdir()
    return sdist, work / build("wheel", unpacked, work)


def build(what: str, source: Path, target: Path) -> str:
    command = [sys.executable, "-c", BUILD, what, str(target)]
    done = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def modules() -> list[str]:
    return sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def test_the_wheel_holds_every_module_and_the_marker_of_types(built: tuple[Path, Path]) -> None:
    _, wheel = built
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"module_sdk/{name}" for name in [*modules(), "py.typed"]} == {
        name for name in names if ".dist-info/" not in name
    }
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    lines = zipfile.ZipFile(wheel).read(metadata).decode().splitlines()
    required = [line for line in lines if line.startswith("Requires-Dist:")]
    assert [line for line in required if "extra ==" not in line] == ["Requires-Dist: msgspec>=0.22"]
    assert [line for line in required if "extra ==" in line] == [
        'Requires-Dist: httpx<1,>=0.28; extra == "client"',
    ]


def test_the_wheel_works_with_msgspec_alone(built: tuple[Path, Path], tmp_path: Path) -> None:
    _, wheel = built
    zipfile.ZipFile(wheel).extractall(tmp_path)
    shutil.copytree(Path(msgspec.__file__).parent, tmp_path / "msgspec")
    names = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in modules()]
    free = [
        "module_sdk" + ("" if name == "__init__" else f".{name}") for name in names if not name.startswith("api.client")
    ]
    script = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path)!r})
for name in {free!r}:
    assert importlib.import_module(name).__file__.startswith({str(tmp_path)!r})
from module_sdk import is_compatible
assert is_compatible("1.2.0", "1.1.0")
try:
    import module_sdk.api.client
except ImportError as error:
    print(error)
"""
    # -S leaves site-packages out, -I the tree and the environment: only the standard library and this folder are there.
    command = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "module_sdk.api.client needs httpx: pip install 'ocsuite-module-sdk[client]'"


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            assert node.module is not None
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", modules())
def test_imports(name: str) -> None:
    allowed = set(sys.stdlib_module_names) | {"msgspec", "module_sdk"}
    if name.startswith(CLIENT):
        allowed.add("httpx")
    assert imported(SOURCE / name) <= allowed


@pytest.mark.parametrize("name", modules())
def test_nothing_but_the_client_needs_the_client(name: str) -> None:
    if name.startswith(CLIENT):
        return
    tree = ast.parse((SOURCE / name).read_text())
    targets = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(target and target.startswith("module_sdk.api.client") for target in targets)


def test_the_public_surface() -> None:
    """A name that goes or comes here is a change of the contract: see the decision on compatibility."""
    assert module_sdk.__all__ == [
        "AgendaItem",
        "Attendee",
        "BoardMeeting",
        "BoardModule",
        "BoardRequest",
        "ChatComposition",
        "ChatModule",
        "ChatPrompt",
        "ChatTurn",
        "CompanyFacts",
        "CompanyProfile",
        "ContractViolation",
        "Decision",
        "MetricPoint",
        "MetricSnapshot",
        "MetricsModule",
        "MetricsRequest",
        "Module",
        "ModuleCapability",
        "Statement",
        "TaskExecutionRequest",
        "TaskExecutionResult",
        "TaskModule",
        "Version",
        "compare_versions",
        "decode_request",
        "is_compatible",
        "parse_version",
        "validate_handling",
        "validate_meeting",
        "validate_metrics",
        "validate_prompt",
        "validate_request",
        "validate_result",
    ]
    assert module_sdk.api.client.__all__ == [
        "ApiClient",
        "ApiError",
        "ApiUnavailable",
        "ChatEvent",
        "ClientError",
        "Reconnecting",
        "Renewal",
        "Session",
        "SessionCookie",
        "StreamItem",
        "TenantClient",
        "TokenProvider",
        "UnexpectedReplyError",
    ]
    for package in (module_sdk, module_sdk.api.client):
        assert all(hasattr(package, name) for name in package.__all__)


CONTRACT = {
    "MetricPoint": {"at", "value"},
    "MetricSnapshot": {
        "key", "label", "value", "unit", "period", "as_of", "source", "currency", "trend", "change", "good",
        "demonstration",
    },
    "ModuleCapability": {"name", "version", "title", "description", "demonstration"},
    "TaskExecutionRequest": {
        "task_id", "tenant_id", "capability", "capability_version", "idempotency_key", "arguments", "requested_at",
        "deadline",
    },
    "TaskExecutionResult": {
        "task_id", "status", "output", "error_code", "error_detail", "retryable", "metrics", "finished_at",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRACT)
def test_the_fields_of_the_contract(name: str) -> None:
    struct: type[msgspec.Struct] = getattr(module_sdk, name)
    assert set(struct.__struct_fields__) == CONTRACT[name]
    assert struct.__struct_config__.frozen


def test_every_struct_of_the_package_is_frozen() -> None:
    def below(struct: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
        return [leaf for sub in struct.__subclasses__() for leaf in (sub, *below(sub))]

    ours = [struct for struct in below(msgspec.Struct) if struct.__module__.startswith("module_sdk")]
    assert len(ours) > 40
    assert [struct.__name__ for struct in ours if not struct.__struct_config__.frozen] == []
