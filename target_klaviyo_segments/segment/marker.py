"""Whether a record is one, and whether it says that its person left. Pure."""

from __future__ import annotations

from target_klaviyo_segments.segment.values import is_nothing

DELETED_AT = "_sdc_deleted_at"


def is_object(record: object) -> bool:
    """Whether a record is what a tap should make it."""
    return isinstance(record, dict)


def is_deleted(record: object) -> bool:
    """Whether a record, which a broken tap may have made anything, has a delete marker: empty text is none."""
    return isinstance(record, dict) and record.get(DELETED_AT) is not None and not is_nothing(record[DELETED_AT])
