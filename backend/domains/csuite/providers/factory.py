"""Picks the provider that the settings name."""

from typing import Final

from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.providers.mock import MockProvider
from backend.settings import LlmSettings

LOCAL_MODEL: Final = "SmolLM2-135M-Instruct"
LOCAL_URL: Final = "http://127.0.0.1:8090/v1"


def create_provider(settings: LlmSettings) -> Provider:
    """The provider of ``LLM_PROVIDER``."""
    match settings.provider:
        case "mock":
            return MockProvider(settings.mock_tokens_per_second)
        case "local":
            return OpenAICompatibleProvider(
                "local",
                settings.base_url or LOCAL_URL,
                "local",
                settings.model or LOCAL_MODEL,
                settings.timeout_seconds,
            )
        case "openai":
            return OpenAICompatibleProvider(
                "openai", settings.base_url, settings.api_key, settings.model, settings.timeout_seconds
            )
