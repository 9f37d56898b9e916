"""The conformance kit for the authors of modules."""

from module_sdk.testing.conformance import ConformanceFailure, check_module, check_module_async

__all__ = ["ConformanceFailure", "check_module", "check_module_async"]
