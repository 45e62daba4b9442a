"""Whether a row has the consent of its person, and what is wished for then: JSON, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.segment.picking import picker

if TYPE_CHECKING:
    from target_klaviyo_segments.segment.batch import Batch, Record

_YES = frozenset({"true", "t", "yes", "y", "1"})


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's subscription as it stands in the ledger, all that is needed later; settings may take some back."""

    channels: tuple[str, ...]
    phone: str | None = None
    consented_at: str | None = None
    custom_source: str | None = None
    historical: bool = False
    resubscribe: bool = False


class Terms(msgspec.Struct, frozen=True):
    """What the settings of a segment say about consent; no channel: nobody is subscribed."""

    channels: tuple[str, ...] = ()
    consent_field: str | None = None
    consented_at_field: str | None = None
    historical_import: bool = False
    custom_source: str | None = None
    resubscribe: bool = False

    @property
    def fields(self) -> list[str]:
        """The properties of a record that say something about consent."""
        return list(dict.fromkeys(filter(None, (self.consent_field, self.consented_at_field))))


def terms_of(settings: Any) -> Terms:  # noqa: ANN401  # whatever has the settings as attributes
    """The terms in the settings of a segment."""
    named = {name: getattr(settings, name) for name in Terms.__struct_fields__ if name != "channels"}
    return Terms(tuple(settings.subscribe_channels or ()), **named)


class _Attributes(msgspec.Struct):
    phone_number: str | None = None


class _Profile(msgspec.Struct):
    attributes: _Attributes


_phone_of = msgspec.json.Decoder(_Profile).decode
_encode = msgspec.json.Encoder().encode


def wish_reader(
    terms: Terms, *, now: Callable[[], float], odd_date: Callable[[], None]
) -> Callable[[Batch], list[bytes | None]]:
    """What reads the wish of each row of a batch; None where the row has no consent, or no way to reach the person.

    `now` gives seconds since the epoch; `odd_date` is told of an instant that is none, or lies in the future.
    """
    names = terms.fields
    pick = picker(names)

    def wish_of(record: Record, payload: bytes) -> bytes | None:
        found = dict(zip(names, pick(record) or (), strict=False))
        if terms.consent_field is not None and not says_yes(found.get(terms.consent_field)):
            return None
        at = None
        if terms.consented_at_field is not None:
            given = found.get(terms.consented_at_field)
            at = _past(given, now())
            if at is None and given is not None and given != "":
                odd_date()
            if at is None and (terms.consent_field is None or terms.historical_import):
                return None
        return _wish(terms, payload, at)

    def wishes_of(batch: Batch) -> list[bytes | None]:
        return list(map(wish_of, batch.records, batch.payloads))

    return wishes_of


def says_yes(value: object) -> bool:
    """Whether a value is consent: true, 1, or one of the words true, t, yes, y and 1. Anything else is not."""
    if isinstance(value, str):
        return value.strip().lower() in _YES
    return isinstance(value, (bool, int, float)) and value == 1


def instant_of(value: object) -> datetime | None:
    """ISO 8601 text, or seconds since the epoch; UTC where no zone is named, midnight where no time is."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    given = value.strip() if isinstance(value, str) else value
    try:
        found = msgspec.convert(given, datetime, strict=False)
    except (msgspec.ValidationError, OverflowError):
        try:
            found = datetime.combine(date.fromisoformat(str(given)), time())
        except ValueError:
            return None
    return found.replace(tzinfo=found.tzinfo or timezone.utc)


def _past(value: object, now: float) -> str | None:
    """As Klaviyo wants it, if it is over."""
    found = instant_of(value)
    if found is None or found.timestamp() >= now:
        return None
    return found.astimezone(timezone.utc).isoformat(timespec="seconds")


def _wish(terms: Terms, payload: bytes, consented_at: str | None) -> bytes | None:
    phone = _phone_of(payload).attributes.phone_number if "sms" in terms.channels else None
    channels = tuple(each for each in terms.channels if each != "sms" or phone)
    if not channels:
        return None
    return _encode(
        Wish(
            channels,
            phone=phone or None,
            consented_at=consented_at,
            custom_source=terms.custom_source,
            historical=terms.historical_import,
            resubscribe=terms.resubscribe,
        )
    )
