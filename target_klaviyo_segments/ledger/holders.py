"""Who has a member besides the stream that delivered them last: `also`, JSON of stream number to record key, or NULL.

They stay on the list while one of these has them. SQL on a row of `members`; nothing of it runs where there is one
stream. What goes into a statement as text are our own numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Another stream delivers a member: the one before becomes one of the others, with its key.
HAND_DOWN = (
    """json_remove(json_set(coalesce(also, '{}'), '$."' || stream || '"', key), '$."' || excluded.stream || '"')"""
)
# A stream delivers a member without a key, as a retry does: the key that it gave before still names them.
_KEY_BESIDE = """json_extract(also, '$."' || excluded.stream || '"')"""
KEPT_KEY = f"coalesce(excluded.key, iif(stream = excluded.stream, key, {_KEY_BESIDE}))"
# The first of the others becomes the one.
SUCCEED = """
UPDATE members SET stream = (SELECT CAST(held.key AS INTEGER) FROM json_each(members.also) AS held LIMIT 1),
  key = (SELECT held.value FROM json_each(members.also) AS held LIMIT 1),
  also = nullif(json_remove(also, (SELECT held.fullkey FROM json_each(members.also) AS held LIMIT 1)), '{}')
"""


def numbers(streams: Sequence[int]) -> str:
    """For an IN."""
    return ",".join(map(str, streams))


def beside(streams: Sequence[int]) -> str:
    """Whether others than these are among `also`."""
    return (
        "EXISTS (SELECT 1 FROM json_each(members.also) AS held "  # noqa: S608  # numbers
        f"WHERE CAST(held.key AS INTEGER) NOT IN ({numbers(streams)}))"
    )


def without(streams: Sequence[int]) -> str:
    """`also` without these."""
    return (
        "(SELECT nullif(json_group_object(held.key, held.value), '{}') FROM json_each(members.also) AS held "  # noqa: S608  # same
        f"WHERE CAST(held.key AS INTEGER) NOT IN ({numbers(streams)}))"
    )


def has(stream: int) -> str:
    """Whether a stream has a member."""
    return f"(stream = {stream} OR json_type(also, '$.\"{stream}\"') IS NOT NULL)"


def key_of(stream: int) -> str:
    """The key by which a stream has a member."""
    return f"iif(stream = {stream}, key, json_extract(also, '$.\"{stream}\"'))"
