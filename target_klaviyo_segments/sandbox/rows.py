"""Stage one of a bulk import: a body is taken as a whole or refused as a whole, with every bad row named.

https://developers.klaviyo.com/en/reference/bulk_import_profiles . Typed decoding does the checking: quickly for a whole
body of plain rows, and row by row for every other, where it finds out what to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Raw, Struct

from target_klaviyo_segments.sandbox.block import Block, Row
from target_klaviyo_segments.sandbox.contact import email_fault, emails_good, phone_fault, phones_good
from target_klaviyo_segments.sandbox.decoding import decode, fault_of
from target_klaviyo_segments.sandbox.envelope import Fault, Refusal, refuse
from target_klaviyo_segments.sandbox.person import sent_attributes
from target_klaviyo_segments.sandbox.shapes import ListId, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.sandbox.scenario import Scenario

    Refuses = Callable[[dict[str, Any]], str | None]

ROWS_MAX = 10_000
ROWS_POINTER = "/data/attributes/profiles/data"


class _Profiles(Struct, forbid_unknown_fields=True):
    data: list[Raw]


class _JobAttributes(Struct, forbid_unknown_fields=True):
    profiles: _Profiles


class _ListIds(Struct, forbid_unknown_fields=True):
    data: list[ListId]


class _Relationships(Struct, forbid_unknown_fields=True):
    lists: _ListIds | None = None


class _Job(Struct, forbid_unknown_fields=True):
    type: Literal["profile-bulk-import-job"]
    attributes: _JobAttributes
    relationships: _Relationships | None = None


class _Body(Struct, forbid_unknown_fields=True):
    data: _Job


class _QuickProfiles(Struct):
    data: list[Profile]


class _QuickJobAttributes(Struct):
    profiles: _QuickProfiles


class _QuickJob(Struct):
    attributes: _QuickJobAttributes


class _QuickBody(Struct):
    """The same body with its rows decoded; the rest was looked at before."""

    data: _QuickJob


class Import(Struct, frozen=True):
    """A body that passed stage one."""

    list_id: str | None
    rows: list[Row] | Block


_body = msgspec.json.Decoder(_Body)
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_quickly = msgspec.json.Decoder(_QuickBody).decode
_NOBODY = Fault("One of email, phone_number, external_id, id or _kx is required.", {"pointer": "/attributes"})


def read_import(body: bytes, scenario: Scenario) -> Import:
    """The rows of a body.

    Raises:
        Refusal: Anything is wrong with the envelope or with any row.
    """
    job = decode(_body, body).data
    raws = job.attributes.profiles.data
    if not 0 < len(raws) <= ROWS_MAX:
        raise refuse(400, f"1 to {ROWS_MAX} profiles are accepted, not {len(raws)}.", pointer=ROWS_POINTER)
    list_id = _list_id(job.relationships)
    refusal = scenario.submit_refusal
    block = _block(body, raws) if refusal is None else None
    if block:
        return Import(list_id, block)
    faults: list[Fault] = []
    rows = _rows(raws, refusal, faults)
    if faults:
        raise Refusal(400, faults if scenario.name_all_bad_rows else faults[:1])
    return Import(list_id, rows)


def _list_id(relationships: _Relationships | None) -> str | None:
    lists = relationships.lists.data if relationships and relationships.lists else []
    if len(lists) > 1:  # what several lists do is documented nowhere
        raise refuse(400, "At most one list is accepted.", pointer="/data/relationships/lists/data")
    return lists[0].id if lists else None


def _block(body: bytes, raws: Sequence[Raw]) -> Block | None:
    """All rows, if nothing is wrong with any, each has an e-mail and none an id, and nobody is there twice."""
    try:
        profiles = _decode_quickly(body).data.attributes.profiles.data
    except msgspec.ValidationError:
        return None
    if {profile.id for profile in profiles} != {None}:
        return None
    sent = [profile.attributes for profile in profiles]
    emails = [each.email for each in sent if each.email is not None]
    phones = [each.phone_number for each in sent]
    external_ids = [each.external_id for each in sent]
    if len(emails) < len(sent) or not emails_good(emails):
        return None
    if not phones_good([phone for phone in phones if phone is not None]):
        return None
    emails = _lower(emails)
    if _repeats(emails) or _repeats(phones) or _repeats(external_ids):
        return None
    return Block(body, raws, emails, phones, external_ids)


def _lower(emails: list[str]) -> list[str]:
    whole = "".join(emails)
    return emails if whole == whole.lower() else [email.lower() for email in emails]


def _repeats(column: Sequence[str | None]) -> bool:
    found = column if all(column) else list(filter(None, column))
    return len(set(found)) < len(found)


def _rows(raws: Sequence[Raw], refusal: Refuses | None, faults: list[Fault]) -> list[Row]:
    """The good rows; what is wrong with the others is added to `faults`."""
    rows: list[Row] = []
    for position, raw in enumerate(raws):
        try:
            profile = _decode_profile(sent_row := bytes(raw))
        except msgspec.ValidationError as error:
            faults.append(fault_of(error, f"{ROWS_POINTER}/{position}"))
            continue
        sent = profile.attributes
        email, phone, external_id, identity = sent.email, sent.phone_number, sent.external_id, profile.id
        fault = (
            (email is not None and email_fault(email))
            or (phone is not None and phone_fault(phone))
            or (None if email or phone or external_id or identity or sent.kx else _NOBODY)
            or (refusal is not None and _objected(refusal(sent_attributes(sent_row))))
        )
        if fault:
            faults.append(Fault(fault.detail, {"pointer": f"{ROWS_POINTER}/{position}{fault.source['pointer']}"}))
        else:
            rows.append(Row(email and email.lower(), phone, external_id, identity, sent_row))
    return rows


def _objected(detail: str | None) -> Fault | None:
    return Fault(detail, {"pointer": "/attributes/email"}) if detail else None
