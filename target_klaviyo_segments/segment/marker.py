"""Whether a record is one, and whether it says that its person left. Pure."""

from __future__ import annotations

DELETED_AT = "_sdc_deleted_at"


def is_object(record: object) -> bool:
    """Whether a record is what a tap should make it."""
    return isinstance(record, dict)


def is_deleted(record: object) -> bool:
    """Whether a record, which a broken tap may have made anything, has a delete marker."""
    return isinstance(record, dict) and record.get(DELETED_AT) is not None
