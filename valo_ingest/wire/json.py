"""JSON in the forms in which clients send it, read without ever crashing."""

from typing import Any, Final, TypeAlias

import msgspec

from valo_ingest.errors import InvalidMessage

Payload: TypeAlias = Any
"""The argument of a Socket.IO event: JSON as text, as bytes, or already an object. Whatever a client sent."""

UNREADABLE: Final = (ValueError, RecursionError)
"""What reading JSON raises: `msgspec.DecodeError` and `UnicodeDecodeError` are ValueErrors, and deep nesting ends
in a RecursionError."""

_decode: Final = msgspec.json.Decoder().decode


def read(text: str | bytes | bytearray) -> Any:
    """Return the JSON value of `text`.

    Raises:
        InvalidMessage: `text` is not JSON, or nobody could mean it (nested too deep, a number too large).
    """
    try:
        return _decode(text)
    except RecursionError:
        raise InvalidMessage("not_json", "The text is nested too deep.") from None
    except ValueError:
        raise InvalidMessage("not_json", "The text is not JSON.") from None


def text_of(payload: Payload) -> str:
    """Return the JSON text of a payload that was read."""
    if isinstance(payload, str):
        return payload
    return (payload if isinstance(payload, (bytes, bytearray)) else msgspec.json.encode(payload)).decode()


def read_object(payload: Payload) -> dict[str, Any]:
    """Return the JSON object that a client sent.

    Raises:
        InvalidMessage: It is not JSON, or JSON but not an object.
    """
    value = read(payload) if isinstance(payload, (str, bytes, bytearray)) else payload
    if not isinstance(value, dict):
        raise InvalidMessage("not_object", "The text is not a JSON object.")
    return value
