"""Messages that do not follow the Singer specification, in words."""

from __future__ import annotations

from typing import Any

from singer_sdk.exceptions import RecordsWithoutSchemaException

from target_klaviyo_segments.errors import InputError


class RecordBeforeSchema(InputError, RecordsWithoutSchemaException):
    """Also the SDK's own error for it, which who embeds a target expects."""


def required(message: dict[str, Any], key: str) -> Any:  # noqa: ANN401  # a message holds anything
    """The value of a key that a message must have.

    Raises:
        InputError: It has not.
    """
    if key not in message:
        raise InputError(
            f"a {message['type']} message has no `{key}`: the tap does not follow the Singer specification"
        )
    return message[key]


def no_schema_yet(message: dict[str, Any]) -> InputError:
    """What is wrong with a RECORD that nobody takes.

    Raises:
        InputError: It lacks its stream or its record.
    """
    stream = required(message, "stream")
    required(message, "record")
    return RecordBeforeSchema(
        f"a RECORD of stream `{stream}` came before its SCHEMA: the tap does not follow the Singer specification"
    )
