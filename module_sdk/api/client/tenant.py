"""The part of the API within one tenant."""

from collections.abc import AsyncGenerator
from uuid import UUID

from module_sdk.api.base import Page
from module_sdk.api.client.access import AccessClient
from module_sdk.api.client.audit import AuditClient
from module_sdk.api.client.stream import AnswerStream, Patience, StreamItem
from module_sdk.api.client.transport import Call, Query, T, Transport, idempotency, route
from module_sdk.api.csuite import (
    BoardMeeting,
    BoardMeetingRequest,
    ChatRequest,
    Conversation,
    ConversationPatch,
    Executive,
    Message,
)
from module_sdk.api.dashboard import Dashboard
from module_sdk.api.tenants import (
    Deletion,
    DeletionRequest,
    Onboarding,
    OnboardingPatch,
    Profile,
    ProfileReply,
    Tenant,
    TenantPatch,
    Usage,
)


class TenantClient:
    """Made by :meth:`ApiClient.for_tenant`; sends the tenant with every request.

    Methods that give an answer are asynchronous generators: wrap them in :func:`contextlib.aclosing`, so that leaving
    early closes the connection at once. Leaving does not stop the answer, which is the server's: see :meth:`stop`.
    """

    def __init__(self, transport: Transport, patience: Patience) -> None:
        if transport.tenant_id is None:
            raise ValueError("a tenant client needs a tenant")
        self._transport = transport
        self._patience = patience
        self.tenant_id = transport.tenant_id
        self.access = AccessClient(transport)
        self.audit = AuditClient(transport)

    async def tenant(self) -> Tenant:
        """The company."""
        return await self._get(Tenant, self._own())

    async def update(self, body: TenantPatch) -> Tenant:
        """Renames the company."""
        return await self._transport.fetch(Tenant, Call(method="PATCH", path=self._own(), body=body))

    async def profile(self) -> ProfileReply:
        """The business profile."""
        return await self._get(ProfileReply, self._own("profile"))

    async def replace_profile(self, body: Profile) -> ProfileReply:
        """Stores the whole business profile."""
        return await self._transport.fetch(ProfileReply, Call(method="PUT", path=self._own("profile"), body=body))

    async def onboarding(self) -> Onboarding:
        """Where the wizard stands."""
        return await self._get(Onboarding, self._own("onboarding"))

    async def move_onboarding(self, body: OnboardingPatch) -> Onboarding:
        """Moves the wizard."""
        return await self._transport.fetch(Onboarding, Call(method="PATCH", path=self._own("onboarding"), body=body))

    async def usage(self) -> Usage:
        """Limits and what is used of them."""
        return await self._get(Usage, self._own("usage"))

    async def deletion(self) -> Deletion:
        """The deletion that was asked for; raises :class:`ApiError` ``not_found`` if none was."""
        return await self._get(Deletion, self._own("deletion"))

    async def request_deletion(self, body: DeletionRequest, *, idempotency_key: str | None = None) -> Deletion:
        """Asks for the company to be erased once the period of grace is over."""
        headers = idempotency(idempotency_key)
        call = Call(method="POST", path=self._own("deletion"), body=body, headers=headers)
        return await self._transport.fetch(Deletion, call)

    async def cancel_deletion(self) -> None:
        """Calls the deletion off."""
        await self._transport.exchange(Call(method="DELETE", path=self._own("deletion")))

    async def dashboard(self) -> Dashboard:
        """The company's key figures."""
        return await self._get(Dashboard, "/dashboard")

    async def board_meeting(self, body: BoardMeetingRequest, *, idempotency_key: str | None = None) -> BoardMeeting:
        """Convenes the board."""
        headers = idempotency(idempotency_key)
        call = Call(method="POST", path="/c-suite/board-meeting", body=body, headers=headers)
        return await self._transport.fetch(BoardMeeting, call)

    async def executives(self, *, cursor: str | None = None, limit: int | None = None) -> Page[Executive]:
        """Who one can chat with, and what answers for them."""
        return await self._get(Page[Executive], "/c-suite/executives", {"cursor": cursor, "limit": limit})

    async def conversations(
        self, *, q: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Page[Conversation]:
        """The person's own conversations, latest first; ``q`` searches titles and messages."""
        query = {"q": q, "cursor": cursor, "limit": limit}
        return await self._get(Page[Conversation], "/c-suite/conversations", query)

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """One conversation."""
        return await self._get(Conversation, route("c-suite", "conversations", conversation_id))

    async def rename_conversation(self, conversation_id: UUID, body: ConversationPatch) -> Conversation:
        """Gives a conversation another title."""
        call = Call(method="PATCH", path=route("c-suite", "conversations", conversation_id), body=body)
        return await self._transport.fetch(Conversation, call)

    async def delete_conversation(self, conversation_id: UUID) -> None:
        """Deletes a conversation with its messages."""
        await self._transport.exchange(Call(method="DELETE", path=route("c-suite", "conversations", conversation_id)))

    async def messages(
        self,
        conversation_id: UUID,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        through: UUID | None = None,
    ) -> Page[Message]:
        """A page of messages, newest first, the newest page first: reverse the items to show them.

        With ``through`` the page is as long as it takes to reach that message, up to 500.
        """
        path = route("c-suite", "conversations", conversation_id, "messages")
        query = {"cursor": cursor, "limit": limit, "through": str(through) if through else None}
        return await self._get(Page[Message], path, query)

    def chat(
        self, body: ChatRequest, *, executive: str = "ceo", idempotency_key: str | None = None
    ) -> AsyncGenerator[StreamItem, None]:
        """Says something to an executive and follows the answer to its end, across lost connections.

        Raises :class:`ApiUnavailable` where the API cannot be reached at all or stays away for too long.
        """
        headers = idempotency(idempotency_key)
        first = Call(method="POST", path=route("c-suite", executive, "chat"), body=body, headers=headers)
        return AnswerStream(self._transport, self._patience, first=first).items()

    def regenerate(self, message_id: UUID, *, idempotency_key: str | None = None) -> AsyncGenerator[StreamItem, None]:
        """Asks for another answer to the same question, and follows it like :meth:`chat`."""
        headers = idempotency(idempotency_key)
        first = Call(method="POST", path=route("c-suite", "messages", message_id, "regenerate"), headers=headers)
        return AnswerStream(self._transport, self._patience, first=first).items()

    def resume(self, message_id: UUID, *, last_event_id: int = 0) -> AsyncGenerator[StreamItem, None]:
        """Follows an answer that someone else began, from the event after ``last_event_id``."""
        answer = AnswerStream(self._transport, self._patience, message_id=message_id, last_event_id=last_event_id)
        return answer.items()

    async def stop(self, message_id: UUID) -> Message:
        """Ends an answer where it stands; its stream then ends with ``message.completed``, status ``stopped``."""
        call = Call(method="POST", path=route("c-suite", "messages", message_id, "stop"))
        return await self._transport.fetch(Message, call)

    def _own(self, *segments: str) -> str:
        return route("tenants", self.tenant_id, *segments)

    async def _get(self, kind: type[T], path: str, query: Query | None = None) -> T:
        return await self._transport.fetch(kind, Call(method="GET", path=path, query=query or {}))
