"""Picks the provider that the settings name."""

from typing import Final

from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.providers.mock import MockProvider
from backend.domains.csuite.providers.openai_compatible import OpenAICompatibleProvider
from backend.settings import LlmSettings

LOCAL_MODEL: Final = "SmolLM2-135M-Instruct"
LOCAL_URL: Final = "http://127.0.0.1:8090/v1"


def create_provider(settings: LlmSettings) -> Provider:
    """The provider of ``LLM_PROVIDER``."""
    if settings.provider == "mock":
        return MockProvider(settings.mock_tokens_per_second)
    timeout = settings.timeout_seconds
    if settings.provider == "local":
        base_url, model = settings.base_url or LOCAL_URL, settings.model or LOCAL_MODEL
        return OpenAICompatibleProvider("local", base_url, "local", model, timeout)
    return OpenAICompatibleProvider("openai", settings.base_url, settings.api_key, settings.model, timeout)
