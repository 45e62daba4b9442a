"""Consent of people: what was given and taken, who is suppressed, who has yet to confirm. Bulk subscriptions.

https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from target_klaviyo_segments.sandbox.block import Row
from target_klaviyo_segments.sandbox.consents import SUBSCRIBED
from target_klaviyo_segments.sandbox.contact import email_fault, phone_fault
from target_klaviyo_segments.sandbox.decoding import decode
from target_klaviyo_segments.sandbox.envelope import Fault, Refusal, answer, instant, moment, refuse
from target_klaviyo_segments.sandbox.people import Unresolvable
from target_klaviyo_segments.sandbox.rows import ROWS_POINTER
from target_klaviyo_segments.sandbox.shapes import ToList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.lists import ListRecord
    from target_klaviyo_segments.sandbox.scenario import Scenario

# https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles
PEOPLE_MAX = 1_000
LIFTED = frozenset({"UNSUBSCRIBE", "SPAM_COMPLAINT", "USER_SUPPRESSED"})


class Given(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Consent to one channel."""

    consent: Literal["SUBSCRIBED"]
    consented_at: str | None = None


class Tracked(Struct, forbid_unknown_fields=True):
    """Consent to be seen opening a mail."""

    consent: Literal["SUBSCRIBED"]


class Mail(Struct, forbid_unknown_fields=True):
    """What of e-mail is consented to."""

    marketing: Given | None = None
    open_tracking: Tracked | None = None


class Messages(Struct, forbid_unknown_fields=True):
    """What of text messages, or of WhatsApp."""

    marketing: Given | None = None
    transactional: Given | None = None


class _Token(Struct, forbid_unknown_fields=True):
    token: str
    platform: Literal["android", "ios"]
    vendor: Literal["apns", "fcm"]
    enablement_status: str | None = None
    background: str | None = None
    device_metadata: dict[str, Any] | None = None


class Push(Struct, forbid_unknown_fields=True):
    """What of notifications on a phone."""

    marketing: Given
    tokens: list[_Token] | None = None
    anonymous_id: str | None = None


class Channels(Struct, forbid_unknown_fields=True):
    """The channels of one person."""

    email: Mail | None = None
    sms: Messages | None = None
    whatsapp: Messages | None = None
    push: Push | None = None


class _Attributes(Struct, forbid_unknown_fields=True):
    subscriptions: Channels
    email: str | None = None
    phone_number: str | None = None
    age_gated_date_of_birth: date | None = None


class _Profile(Struct, forbid_unknown_fields=True):
    type: Literal["profile"]
    attributes: _Attributes
    id: str | None = None


class _Profiles(Struct, forbid_unknown_fields=True):
    data: list[_Profile]


class _JobAttributes(Struct, forbid_unknown_fields=True):
    profiles: _Profiles
    custom_source: str | None = None
    historical_import: bool | None = False


class _Relationships(Struct, forbid_unknown_fields=True):
    list: ToList | None = None


class _Job(Struct, forbid_unknown_fields=True):
    type: Literal["profile-subscription-bulk-create-job"]
    attributes: _JobAttributes
    relationships: _Relationships = msgspec.field(default_factory=_Relationships)


class _Body(Struct, forbid_unknown_fields=True):
    data: _Job


_body = msgspec.json.Decoder(_Body)


def read_subscription(body: bytes, scenario: Scenario) -> _Job:
    """A bulk subscription whose people are all good."""
    job = decode(_body, body).data
    rows = job.attributes.profiles.data
    if not 0 < len(rows) <= PEOPLE_MAX:
        raise refuse(400, f"1 to {PEOPLE_MAX} profiles are accepted.", pointer=ROWS_POINTER)
    faults = [
        Fault(fault.detail, {"pointer": f"{ROWS_POINTER}/{at}{fault.source['pointer']}"})
        for at, row in enumerate(rows)
        for fault in _faults(row, scenario)
    ]
    if faults:
        raise Refusal(400, faults if scenario.name_all_bad_rows else faults[:1])
    return job


def subscribe(account: Account, ask: Ask) -> Response:
    """Subscribe, or ask for a confirmation: https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles ."""
    job: _Job = ask.body
    linked = job.relationships.list.data.id if job.relationships.list else None
    into = account.lists.by_id.get(linked) if linked is not None else None
    if linked is not None and into is None:
        raise refuse(400, f"List {linked} does not exist.", pointer="/data/relationships/list/data/id")
    historical = job.attributes.historical_import is True
    _check_dates(job.attributes.profiles.data, ask.now, historical=historical)
    doubles = into is None or into.opt_in_process == "double_opt_in"
    for row in job.attributes.profiles.data:
        if doubles and not historical:
            address = (row.attributes.email or row.attributes.phone_number or row.id or "").lower()
            account.consents.pending[address] = partial(_give, account, row, into, job.attributes.custom_source)
        else:
            _give(account, row, into, job.attributes.custom_source, ask.now)
    return answer(202, None)


def _give(account: Account, row: _Profile, into: ListRecord | None, source: str | None, now: float) -> None:
    """Consent as it was given: the profile is there and on the list, and most suppressions are lifted."""
    sent = row.attributes
    known = {"email": sent.email, "phone_number": sent.phone_number}
    raw = msgspec.json.encode({"attributes": {name: value for name, value in known.items() if value}})
    try:
        email = sent.email.lower() if sent.email else None
        number = account.people.put(Row(email, sent.phone_number, None, row.id, raw), now)
    except Unresolvable:  # nobody is told: there is no job to ask
        return
    consent = account.consents.of(number)
    given = list(_given(sent.subscriptions))
    for channel, kind, each in given:
        name = channel if kind == "marketing" else f"{channel}.{kind}"
        consent.channels[name] = SUBSCRIBED
        consent.since[name] = each.consented_at or moment(now)
    consent.source = source or consent.source
    if sent.subscriptions.email and sent.subscriptions.email.open_tracking:
        consent.channels["email.open_tracking"] = SUBSCRIBED
    if not given:  # which alone puts nobody on a list
        return
    consent.suppressions = {why: at for why, at in consent.suppressions.items() if why not in LIFTED}
    consent.list_suppressions = {}
    if into is not None:
        into.members.add(number, now)


def _given(channels: Channels) -> Iterator[tuple[str, str, Given]]:
    """Channel, kind, consent."""
    for channel in ("email", "sms", "whatsapp", "push"):
        for kind in ("marketing", "transactional"):
            given = getattr(getattr(channels, channel), kind, None)
            if given is not None:
                yield channel, kind, given


def _faults(row: _Profile, scenario: Scenario) -> Iterator[Fault]:
    sent, channels = row.attributes, row.attributes.subscriptions
    wanted = {channel for channel, _, _ in _given(channels)}
    if channels.email and channels.email.open_tracking:
        wanted.add("email")
    if not wanted:
        yield Fault("At least one channel must be provided.", {"pointer": "/attributes/subscriptions"})
    if channels.push and not (row.id or sent.email or sent.phone_number or channels.push.anonymous_id):
        yield Fault("A push subscription needs an identifier.", {"pointer": "/attributes/subscriptions/push"})
    for channel, name in (("email", "email"), ("sms", "phone_number"), ("whatsapp", "phone_number")):
        if channel in wanted and not (row.id or getattr(sent, name)):
            yield Fault(f"'{name}' is required for this channel.", {"pointer": f"/attributes/{name}"})
    if sent.email and (fault := email_fault(sent.email)):
        yield fault
    if sent.phone_number and (fault := phone_fault(sent.phone_number)):
        yield fault
    objection = scenario.subscription_refusal and scenario.subscription_refusal(msgspec.to_builtins(sent))
    if objection:
        yield Fault(objection, {"pointer": "/attributes/subscriptions"})


def _check_dates(rows: list[_Profile], now: float, *, historical: bool) -> None:
    """With a historical import each consent has its date in the past; without one none may have any."""
    faults = []
    for at, row in enumerate(rows):
        for channel, kind, given in _given(row.attributes.subscriptions):
            pointer = f"{ROWS_POINTER}/{at}/attributes/subscriptions/{channel}/{kind}/consented_at"
            problem = _date_problem(given.consented_at, now, historical=historical)
            faults += [Fault(problem, {"pointer": pointer})] if problem else []
    if faults:
        raise Refusal(400, faults)


def _date_problem(given: str | None, now: float, *, historical: bool) -> str | None:
    if not historical:
        return "'consented_at' is accepted with historical_import only." if given is not None else None
    if given is None:
        return "'consented_at' is required for a historical import."
    try:
        return None if instant(given) < now else "'consented_at' must be in the past."
    except ValueError:
        return "Invalid date."
