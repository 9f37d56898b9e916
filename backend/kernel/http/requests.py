"""The request class of the API: bodies go straight into their contract, and refusals become problems."""

from functools import lru_cache
from math import isfinite
from typing import Any, Final

import msgspec
from litestar import Request

from backend.kernel.auth.authentication import Principal
from backend.kernel.errors import MalformedJSON, UnsupportedMediaType, ValidationFailed
from backend.kernel.http.validation import field_error, field_errors

SignedInRequest = Request[Principal, None, Any]
"""A request that passed a gate, whose ``user`` is the :class:`Principal`."""
PublicRequest = Request[Any, Any, Any]
"""One that anybody may send."""

#: Beyond it a float no longer tells neighbouring whole numbers apart.
EXACT: Final = 2**53


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
        except msgspec.ValidationError:
            return _decoded_again(body, annotation)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedJSON(_reason(error)) from None


def _decoded_again(body: bytes, annotation: Any) -> Any:
    """The body that msgspec refused, where whole numbers written as ``7.0`` were all that was wrong with it."""
    try:
        untyped = _UNTYPED.decode(body or b"null")
    except msgspec.ValidationError as error:  # a number that no type holds
        raise ValidationFailed(errors=[field_error(error)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJSON(_reason(error)) from None
    try:
        return msgspec.convert(untyped, annotation)
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=field_errors(untyped, annotation, error)) from None


def _number(text: str) -> int | float:
    """A JSON number with a fraction or an exponent: to JSON Schema, ``7.0`` is an integer."""
    number = float(text)
    if not isfinite(number):
        raise msgspec.ValidationError("Number out of range")
    return int(number) if number.is_integer() and abs(number) <= EXACT else number


_UNTYPED: Final = msgspec.json.Decoder(float_hook=_number)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "Nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "Not valid UTF-8"
    return str(error)[:200]
