"""Whose row has their consent, whatever stands in the record: anything odd is no consent, and ends no run."""

from __future__ import annotations

import json

import pytest

from target_klaviyo_segments.segment.batch import Batch, Row
from target_klaviyo_segments.segment.consent import Terms, wish_reader

NOW = 1_790_000_000.0
AT = Terms(("email",), consented_at_field="at")


def wishes(terms, *records, phone=None, told=None):
    batch = Batch(1)
    for number, record in enumerate(records):
        attributes = {"email": f"p{number}@x.io"} | ({"phone_number": phone} if phone else {})
        payload = json.dumps({"type": "profile", "attributes": attributes}).encode()
        line = record if isinstance(record, bytes) else json.dumps(record).encode()
        batch.put(Row(number, f"p{number}@x.io", payload, line))
    odd_date = (lambda: None) if told is None else (lambda: told.append(1))
    found = wish_reader(terms, now=lambda: NOW, odd_date=odd_date)(batch)
    return [None if wish is None else json.loads(wish) for wish in found]


@pytest.mark.parametrize(
    ("at", "instant"),
    [
        ("2025-01-02", "2025-01-02T00:00:00+00:00"),
        ("2025-01-02T03:04:05+01:00", "2025-01-02T02:04:05+00:00"),
        (1_735_787_045, "2025-01-02T03:04:05+00:00"),
    ],
)
def test_an_instant_in_the_past_is_consent(at, instant):
    """A day, an instant with a zone, seconds since the epoch."""
    assert wishes(AT, {"at": at}) == [{"channels": ["email"], "consented_at": instant}]


@pytest.mark.parametrize("at", ["yesterday", "2999-01-01", True, ["2025-01-02"], {"on": "2025-01-02"}, 1e300])
def test_what_is_no_instant_of_the_past_is_no_consent_and_is_told(at):
    """Lists and objects too, which no tap should send here."""
    told = []
    assert wishes(AT, {"at": at}, told=told) == [None]
    assert told


@pytest.mark.parametrize("at", [None, ""])
def test_nothing_is_no_consent_and_no_news(at):
    """Most rows have none."""
    told = []
    assert wishes(AT, {"at": at}, {}, told=told) == [None, None]
    assert not told


def test_text_messages_need_a_number():
    """Whoever has none is not asked by SMS."""
    terms = Terms(("sms",), consent_field="ok")
    assert wishes(terms, {"ok": True}) == [None]
    assert wishes(terms, {"ok": True}, phone="+15005550001") == [{"channels": ["sms"], "phone": "+15005550001"}]


def test_a_field_of_any_name_is_read():
    """Also one that no structure can have."""
    terms = Terms(("email",), consent_field='he said "yes"')
    assert wishes(terms, {'he said "yes"': "yes"}, {}) == [{"channels": ["email"]}, None]


@pytest.mark.parametrize("line", [b'{"ok": true, "n": "\\ud800"}', b'{"ok": "\\ud800"}', b"[" * 3000 + b"]" * 3000])
@pytest.mark.parametrize("field", ["ok", 'o"k'])
def test_a_record_that_the_fast_decoder_refuses_ends_no_run(line, field):
    """Whatever it says, it is no consent that could be proven."""
    assert wishes(Terms(("email",), consent_field=field), line)[0] in (None, {"channels": ["email"]})
