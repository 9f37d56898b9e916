"""OCSuite module SDK: what a module and the product say to each other, and what both check.

The API's bodies are in :mod:`module_sdk.api`, the conformance kit in :mod:`module_sdk.testing`, and the client, which
needs httpx, in :mod:`module_sdk.api.client`.
"""

from module_sdk.contract.capability import (
    MetricPoint,
    MetricSnapshot,
    ModuleCapability,
    TaskExecutionRequest,
    TaskExecutionResult,
)
from module_sdk.contract.dialogue import validate_meeting, validate_prompt
from module_sdk.contract.module import (
    BoardModule,
    BoardRequest,
    ChatComposition,
    ChatModule,
    ChatPrompt,
    ChatTurn,
    CompanyFacts,
    MetricsModule,
    MetricsRequest,
    Module,
    TaskModule,
)
from module_sdk.contract.validation import (
    ContractViolation,
    decode_request,
    validate_handling,
    validate_metrics,
    validate_request,
    validate_result,
)
from module_sdk.contract.versions import Version, compare_versions, is_compatible, parse_version
from module_sdk.registry import CapabilityMissing, ModuleRegistry, RegistrationRefused

__all__ = [
    "BoardModule",
    "BoardRequest",
    "CapabilityMissing",
    "ChatComposition",
    "ChatModule",
    "ChatPrompt",
    "ChatTurn",
    "CompanyFacts",
    "ContractViolation",
    "MetricPoint",
    "MetricSnapshot",
    "MetricsModule",
    "MetricsRequest",
    "Module",
    "ModuleCapability",
    "ModuleRegistry",
    "RegistrationRefused",
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
