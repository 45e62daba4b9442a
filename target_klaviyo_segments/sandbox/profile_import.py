"""One profile created or updated: here a null clears a field, as no bulk import can.

https://developers.klaviyo.com/en/reference/create_or_update_profile
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from target_klaviyo_segments.sandbox.block import Row
from target_klaviyo_segments.sandbox.contact import email_fault, phone_fault
from target_klaviyo_segments.sandbox.decoding import decode, fault_of
from target_klaviyo_segments.sandbox.envelope import Fault, Refusal, answer, refuse
from target_klaviyo_segments.sandbox.imports import PROFILE_BYTES_MAX
from target_klaviyo_segments.sandbox.people import Unresolvable
from target_klaviyo_segments.sandbox.profile_views import shown
from target_klaviyo_segments.sandbox.shapes import Profile

if TYPE_CHECKING:
    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.scenario import Scenario


class _Nulls(Struct):
    """The attributes as they were sent, null or not."""

    attributes: dict[str, msgspec.Raw]


class _Document(Struct, forbid_unknown_fields=True):
    data: msgspec.Raw


_document = msgspec.json.Decoder(_Document)
_profile = msgspec.json.Decoder(Profile).decode
_sent = msgspec.json.Decoder(_Nulls).decode


def read_profile(body: bytes, scenario: Scenario) -> Row:
    """The profile of a body.

    Raises:
        Refusal: Anything is wrong with it.
    """
    if len(body) > PROFILE_BYTES_MAX:
        raise refuse(413, f"The profile has {len(body)} bytes; at most {PROFILE_BYTES_MAX} are accepted.")
    raw = bytes(decode(_document, body).data)
    try:
        profile = _profile(raw)
    except msgspec.ValidationError as error:
        raise Refusal(400, [fault_of(error, "/data")]) from error
    sent = profile.attributes
    fault = (sent.email is not None and email_fault(sent.email)) or (
        sent.phone_number is not None and phone_fault(sent.phone_number)
    )
    if fault:
        raise Refusal(400, [Fault(fault.detail, {"pointer": f"/data{fault.source['pointer']}"})])
    if (
        bytes(_sent(raw).attributes.get("email", b"")) == b"null"
    ):  # it is the one thing that every profile of ours is known by
        raise refuse(400, "email cannot be null.", pointer="/data/attributes/email")
    if not (sent.email or sent.phone_number or sent.external_id or profile.id or sent.kx):
        raise refuse(400, "One of email, phone_number, external_id, id or _kx is required.", pointer="/data/attributes")
    objection = scenario.profile_refusal(raw) if scenario.profile_refusal else None
    if objection:
        raise refuse(400, objection, pointer="/data/attributes")
    return Row(sent.email and sent.email.lower(), sent.phone_number, sent.external_id, profile.id, raw)


def import_profile(account: Account, ask: Ask) -> Response:
    """201 for somebody new, 200 for somebody known; 409 when the identifiers are those of two."""
    row: Row = ask.body
    before = len(account.people)
    try:
        number = account.people.put_alone(row, ask.now, whole_location=account.scenario.partial_location_replaces)
    except Unresolvable as error:
        raise refuse(409 if row.email else 404, str(error), pointer="/data/attributes") from error
    person = account.people[number]
    data = shown(person, ask)
    return answer(201 if number >= before else 200, {"data": data, "links": data["links"]})
