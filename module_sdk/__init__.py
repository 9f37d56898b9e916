"""OCSuite module SDK, in three rooms: what authors need is here and in :mod:`module_sdk.contract`.

The conformance kit is :mod:`module_sdk.testing`. The API's bodies are :mod:`module_sdk.api`, and its client, which
needs httpx, :mod:`module_sdk.api.client`.
"""

from module_sdk.contract.board import AgendaItem, Attendee, BoardMeeting, Decision, Statement
from module_sdk.contract.capability import (
    MetricPoint,
    MetricSnapshot,
    ModuleCapability,
    TaskExecutionRequest,
    TaskExecutionResult,
)
from module_sdk.contract.company import CompanyFacts, CompanyProfile
from module_sdk.contract.dialogue import validate_meeting, validate_prompt
from module_sdk.contract.module import (
    BoardModule,
    BoardRequest,
    ChatComposition,
    ChatModule,
    ChatPrompt,
    ChatTurn,
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

__all__ = [
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
