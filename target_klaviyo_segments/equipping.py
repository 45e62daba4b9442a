"""What a stream's schema and settings say of its rows on their way to a list, and a lane must know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from target_klaviyo_segments.export.keeper import key_reader
from target_klaviyo_segments.export.subscribing import KIND as SUBSCRIBE
from target_klaviyo_segments.segment.consent import terms_of, wish_reader
from target_klaviyo_segments.segment.mapping import Mapper
from target_klaviyo_segments.segment.patching import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.export.clearing import Clearing
    from target_klaviyo_segments.export.lane import ErrandReader, KeyReader, Lane
    from target_klaviyo_segments.export.modes import Completeness
    from target_klaviyo_segments.settings import Segment


@dataclass(frozen=True)
class Equipment:
    """Of one stream, for each of its lanes."""

    mapper: Mapper
    key_properties: Sequence[str]
    keys_of: KeyReader | None
    wishes_of: ErrandReader | None
    new_completeness: Callable[[], Completeness]
    clearing: Clearing

    def fit(self, lane: Lane, sync_mode: str) -> None:
        """Let a lane know."""
        if self.mapper.patches:
            lane.join_by(joined)
        self.clearing.watch(lane, self.mapper.nulls.marks if self.mapper.nulls is not None else None)
        lane.key_properties, lane.keys_of = self.key_properties, self.keys_of
        if sync_mode == "mirror" and lane.completeness is None:
            lane.completeness = self.new_completeness()
        lane.removes = sync_mode == "remove"
        if self.wishes_of is not None and not lane.removes:
            lane.errands[SUBSCRIBE] = self.wishes_of


def keys(names: Sequence[str], segment: Segment) -> KeyReader | None:
    """What reads the keys of rows, where these have not the address in them.

    A delete marker may have the key alone, also where the tap's first copy does not declare that there are any.
    """
    return key_reader(names) if names and segment.email_field not in names else None


def mapper_of(properties: Sequence[str], segment: Segment) -> Mapper:
    """What makes profiles of records that have these properties."""
    return Mapper.compile(
        properties=properties,
        email_field=segment.email_field,
        field_map=segment.field_map,
        unmapped_fields=segment.unmapped_fields,
        default_country=segment.default_country,
        append_fields=segment.append_fields,
        unappend_fields=segment.unappend_fields,
        null_fields=segment.null_fields,
    )


def wishes(
    stream: str, segment: Segment, *, now: Callable[[], float], warn: Callable[[str], None]
) -> ErrandReader | None:
    """What reads the consent of rows, where the settings ask for it."""
    terms = terms_of(segment)
    if not terms.channels:
        return None
    odd = (
        f"stream `{stream}`: `consented_at_field` is `{terms.consented_at_field}`, which holds something "
        "that is no instant of the past in some rows: it does not count as one"
    )
    return wish_reader(terms, now=now, odd_date=partial(warn, odd))
