"""Messages that do not follow the Singer specification, in words."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, TypeGuard

from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException

from target_klaviyo_segments.errors import ContractError, InputError, RunStopped
from target_klaviyo_segments.messages import State

# Lists and objects inside each other in a SCHEMA or a STATE: the SDK copies the one and writes the other level by
# level, and Python's stack has a thousand. Records may be deeper: nothing walks all of one.
LEVELS_MAX = 200

_WORD = re.compile(r"[A-Za-z0-9_]{1,40}")
_BEYOND = "the tap does not follow the Singer specification. Report it to its authors"


class RecordBeforeSchema(InputError, RecordsWithoutSchemaException):
    """Also the SDK's own error for it, which who embeds a target expects."""


class KeyMissing(RunStopped, MissingKeyPropertiesError):
    """A record lacks a key property; also the SDK's own error for it."""


def required(message: dict[str, Any], key: str) -> Any:  # noqa: ANN401  # a message holds anything
    """The value of a key that a message must have.

    Raises:
        InputError: It has not.
    """
    if key not in message:
        raise InputError(f"a {message['type']} message has no `{key}`: {_BEYOND}")
    return message[key]


def stream_of(message: dict[str, Any]) -> str:
    """The stream of a message.

    Raises:
        InputError: It has none, or one whose name is no text.
    """
    stream: object = required(message, "stream")
    if not _is_text(stream):
        raise InputError(f"a {message['type']} message has a `stream` that is no text: {_BEYOND}")
    return stream


def checked_schema(message: dict[str, Any]) -> str:
    """The stream of a SCHEMA message that the SDK can take.

    Raises:
        InputError: It lacks a key, or its stream or its key properties are something else.
        ContractError: Its schema has no properties, or is too much.
    """
    stream, schema, keys = stream_of(message), required(message, "schema"), message.get("key_properties")
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        raise ContractError(
            f"stream `{stream}`: its schema has no properties, so no e-mail property either. Select its columns in the "
            "tap"
        )
    if trouble := _trouble_with(schema):
        raise ContractError(f"stream `{stream}`: its schema {trouble}")
    if keys is not None and not is_list_of_text(keys):
        raise InputError(f"stream `{stream}`: its `key_properties` are no list of property names: {_BEYOND}")
    return stream


def state_of(message: dict[str, Any]) -> Any:  # noqa: ANN401  # whatever the tap says
    """The value of a STATE message, or the `State` that has it.

    Raises:
        InputError: It has none, or one that cannot be written again.
    """
    value = required(message, "value")
    if trouble := _trouble_with(value.value if isinstance(value, State) else value):
        raise InputError(f"the value of a STATE message {trouble}")
    return value


def no_schema_yet(message: dict[str, Any]) -> InputError:
    """What is wrong with a RECORD that nobody takes.

    Raises:
        InputError: It lacks its stream or its record.
    """
    stream = stream_of(message)
    required(message, "record")
    return RecordBeforeSchema(f"a RECORD of stream `{stream}` came before its SCHEMA: {_BEYOND}")


def is_list_of_text(value: object) -> TypeGuard[list[str]]:
    """Whether a value is a list, and all in it is text."""
    return isinstance(value, list) and all(map(_is_text, value))


def quoted(value: object) -> str:
    """A word of the input for a message; anything else may be personal, and is not repeated."""
    return repr(value) if isinstance(value, str) and _WORD.fullmatch(value) else "(not shown: it is no plain word)"


def _is_text(value: object) -> TypeGuard[str]:
    """Whether a value is text that UTF-8 can hold: half a character, which JSON can spell, is none."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _trouble_with(value: object) -> str | None:
    """Why a value cannot be written again; None when it can."""
    level: list[Any] = [value]
    for _ in range(LEVELS_MAX + 1):
        if Decimal in set(map(type, level)):
            return "has a number of more than 4,300 digits. Report it to the authors of the tap"
        level = [each for each in level if isinstance(each, (dict, list))]
        if not level:
            return None
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
    return f"is nested too deeply, more than {LEVELS_MAX} levels. Report it to the authors of the tap"
