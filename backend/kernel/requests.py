"""The request class of the API: bodies go straight into their contract, and refusals become problems."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar import Request

from backend.kernel.errors import MalformedJSON, UnsupportedMediaType, ValidationFailed
from backend.kernel.validation import field_errors


@lru_cache(maxsize=512)
def _decoder(annotation: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(annotation)


class ApiRequest(Request[Any, Any, Any]):
    """Decodes JSON strictly into the type of the handler's ``data``, without Litestar's detour over untyped objects.

    Raises ``UnsupportedMediaType`` (a form sent across sites never reaches a handler), ``MalformedJSON`` and
    ``ValidationFailed`` with every refused field.
    """

    async def json(self) -> Any:
        """The body as the handler's ``data`` type."""
        media_type = self.content_type[0]
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise UnsupportedMediaType("Send application/json", headers={"Accept": "application/json"})
        field = self.route_handler.parsed_fn_signature.parameters.get("data")
        annotation = Any if field is None else field.annotation
        body = await self.body()
        try:
            return _decoder(annotation).decode(body or b"null")
        except msgspec.ValidationError as error:
            raise ValidationFailed(errors=field_errors(_untyped(body), annotation, error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedJSON(_reason(error)) from None


def _untyped(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:
        return None  # a number that no type holds; the typed decoder's own message stands
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJSON(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "Nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "Not valid UTF-8"
    return str(error)[:200]
