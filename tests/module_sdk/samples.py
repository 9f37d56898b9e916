"""Rows as the API writes them."""

from typing import Any
from uuid import UUID

TENANT = UUID("0198c0de-0000-7000-8000-000000000001")
CONVERSATION = UUID("0198c0de-0000-7000-8000-000000000002")
MESSAGE = UUID("0198c0de-0000-7000-8000-000000000003")
NOW = "2026-01-02T03:04:05Z"
USER = {"id": str(TENANT), "email": "ada@example.com", "full_name": "Ada", "created_at": NOW}
SIGNED_IN = {"access_token": "a.b.c", "expires_in": 60, "user": USER}
TENANT_ROW = {"id": str(TENANT), "name": "Acme", "slug": "acme", "role": "owner", "created_at": NOW, "updated_at": NOW}
PROFILE = {"profile": {"industry": "Robots"}, "updated_at": NOW}
ONBOARDING: dict[str, Any] = {"step": "profile", "skipped": [], "completed_at": None}
TALK = {"id": str(CONVERSATION), "executive": "ceo", "title": "Plans", "created_at": NOW, "updated_at": NOW}
SAID = {
    "id": str(MESSAGE),
    "conversation_id": str(CONVERSATION),
    "role": "user",
    "status": "completed",
    "content": "Hi",
    "created_at": NOW,
}
MEETING: dict[str, Any] = {
    "id": str(TENANT),
    "status": "placeholder",
    "topic": "Plan",
    "agenda": [],
    "attendees": [],
    "statements": [],
    "decisions": [],
    "created_at": NOW,
}
DASHBOARD: dict[str, Any] = {
    "tenant_id": str(TENANT),
    "generated_at": NOW,
    "currency": "EUR",
    "sources": [],
    "metrics": [],
    "status": "ready",
}
EXECUTIVE = {
    "key": "ceo",
    "title": "CEO",
    "capability": "csuite.ceo.chat",
    "version": "1.0.0",
    "provider": "mock",
    "model": "mock-1",
    "suggestions": ["What now?"],
}
