"""What is done for people once they are delivered: at least once whatever ends the run, and never for a refused row."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from functools import partial

import msgspec
import pytest
from bench import Bench
from doubles import ModelKlaviyo
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import KlaviyoError, RunStopped
from target_klaviyo_segments.export.errands import Done
from target_klaviyo_segments.export.resume import Resume
from target_klaviyo_segments.ledger import Ledger

WISH = msgspec.json.Decoder(dict)
NUMBERS = itertools.count(1)


class Killed(BaseException):
    """The process is gone."""


class Wishes:
    """A hand that notes what it was given; it dies, or Klaviyo refuses it, before one of its parts."""

    kind = "grant"

    def __init__(self, *, people_a_time=3, fails_at=None, error=KlaviyoError, wanted=True, for_now=False):
        self.people_a_time = people_a_time
        self.fails_at = fails_at
        self.error = error
        self.asked_for = wanted
        self.for_now = for_now
        self.parts = []
        self.booked = 0

    def wanted(self, _stream):
        return self.asked_for

    def do(self, errands):
        if self.fails_at is not None and len(self.parts) >= self.fails_at:
            raise self.error("Klaviyo says no")
        self.parts.append([(each.email, each.body) for each in errands])
        everybody = range(len(errands))
        return Done(for_now=everybody) if self.for_now else Done(for_good=everybody)

    def book(self, errands, _done):
        self.booked += len(errands)

    @property
    def granted(self):
        return [each for part in self.parts for each in part]


def wishes_of(batch):
    """The errand of each row: its `wish`."""
    found = [WISH.decode(record).get("wish") for record in batch.records]
    return [None if wish is None else json.dumps(wish).encode() for wish in found]


def bench(folder, hand, **options):
    made = Bench(folder, hands=[hand], **options)
    made.lane().errands["grant"] = wishes_of
    return made


def again(folder, before, hand, **options):
    """The next run in the same folder, once the last one is over or dead."""
    before.ledger.close()
    return bench(folder, hand, klaviyo=before.klaviyo, run_id=f"again-{next(NUMBERS)}", **options)


def test_an_errand_is_done_once_its_person_is_delivered(tmp_path):
    """And for nobody who has none, or whose row was refused."""
    hand = Wishes()
    klaviyo = ModelKlaviyo(bad_when_imported={"eve@x.io"}, refused_by_name={"mal@x.io"})
    run = bench(tmp_path, hand, klaviyo=klaviyo)
    for name, wish in (("ada", 1), ("bob", None), ("eve", 2), ("mal", 3)):
        run.read(name, wish=wish)
    assert run.finish()
    assert hand.granted == [("ada@x.io", b"1")]
    assert (hand.booked, run.ledger.errands.count_ready("grant")) == (1, {})


def test_the_last_row_of_a_person_decides(tmp_path):
    """Also when the first was delivered long before: who is not to have it any more does not get it."""
    hand = Wishes()
    run = bench(tmp_path, hand, batch_rows=1)
    for name, wish in (("ada", 1), ("bob", 2), ("ada", None), ("bob", 3)):
        run.read(name, wish=wish)
    assert run.finish()
    assert hand.granted == [("bob@x.io", b"3")]


def test_many_are_done_part_by_part_and_each_once(tmp_path):
    """Memory holds some parts, the ledger the rest."""
    hand = Wishes(people_a_time=10)
    run = bench(tmp_path, hand, batch_rows=50)
    for number in range(205):
        run.read(f"p{number:03}", wish=number)
    assert run.finish()
    assert sorted(hand.granted) == sorted((f"p{n:03}@x.io", str(n).encode()) for n in range(205))
    assert max(map(len, hand.parts)) == 10


def test_who_had_it_done_does_not_get_it_again(tmp_path):
    """A daily run of the same rows costs nothing; a changed one is done, and a row without it forgets."""
    run = None
    for wish, granted in ((1, 1), (1, 0), (2, 1), (None, 0), (2, 1)):
        hand = Wishes()
        run = bench(tmp_path, hand) if run is None else again(tmp_path, run, hand)
        run.read("ada", wish=wish)
        assert run.finish()
        assert len(hand.granted) == granted


def test_what_is_done_for_now_is_done_again_after_a_while(tmp_path):
    """Somebody may have changed their mind in Klaviyo."""
    run = bench(tmp_path, Wishes(for_now=True))
    run.read("ada", wish=1)
    assert run.finish()
    for days, granted in ((6, 0), (8, 1)):
        hand = Wishes(for_now=True)
        run.ledger.close()
        ledger = Ledger.open(
            tmp_path / "ledger.sqlite3", now=lambda days=days: 1000.0 + days * 86_400, warn=lambda _: None
        )
        run = bench(tmp_path, hand, klaviyo=run.klaviyo, ledger=ledger, run_id=f"day-{days}")
        run.read("ada", wish=1)
        assert run.finish()
        assert len(hand.granted) == granted


def test_a_changed_errand_is_not_swallowed_as_unchanged(tmp_path):
    """The row is the same but for what is to be done."""
    run = None
    for wish, granted in ((1, [b"1"]), (1, []), (2, [b"2"])):
        hand = Wishes()
        run = (
            bench(tmp_path, hand, skip_unchanged=True)
            if run is None
            else again(tmp_path, run, hand, skip_unchanged=True)
        )
        lane = run.lane()
        lane.tally.read += 1
        run.exporter.intake.sequence += 1
        record = json.dumps({"wish": wish}).encode()
        run.exporter.intake.add(lane, 1, "ada@x.io", b'{"type":"profile","attributes":{"email":"ada@x.io"}}', record)
        assert run.finish()
        assert [body for _, body in hand.granted] == granted
        assert lane.tally.unchanged == (0 if granted else 1)


def test_what_klaviyo_refuses_waits_for_the_next_run_and_the_state_goes_out(tmp_path):
    """The rows are delivered; the run says what is left, and the next one does it, without a row of its own."""
    run = bench(tmp_path, Wishes(people_a_time=2, fails_at=0))
    for name in ("ada", "bob", "eve"):
        run.read(name, wish=1)
    run.exporter.state("after")
    assert run.finish()
    assert run.states == ["after"]
    (words,) = run.exporter.incomplete
    assert words == (
        "to grant people after their delivery did not work: Klaviyo says no. Everybody is on their lists, and 3 people "
        "wait in the ledger: the next run goes on with them"
    )
    hand = Wishes()
    assert again(tmp_path, run, hand).finish()
    assert len(hand.granted) == 3


@pytest.mark.parametrize(("wanted", "left"), [(False, {}), (None, {"people": 1})])
def test_errands_of_settings_that_are_no_more_are_not_done(tmp_path, wanted, left):
    """Dropped and told; those of a stream that these settings do not speak of wait for their own run."""
    run = bench(tmp_path, Wishes(fails_at=0))
    run.read("ada", wish=1)
    assert run.finish()
    hand = Wishes(wanted=wanted)
    run = again(tmp_path, run, hand)
    assert run.finish()
    assert hand.granted == []
    assert run.ledger.errands.count_ready("grant") == left
    told = (
        "stream `people`: an earlier run was to grant 1 people and did not come to it; the settings do not ask for it "
        "any more, so it is not done"
    )
    assert run.warnings == ([told] if wanted is False else [])


def test_an_interrupted_run_ends_between_two_parts(tmp_path):
    """And leaves the rest to the next one."""
    hand = Wishes(people_a_time=1)
    run = bench(tmp_path, hand)
    hand.book = lambda *_: run.exporter.interrupt()
    for number in range(20):
        run.read(f"p{number:02}", wish=1)
    with pytest.raises(RunStopped):
        run.exporter.finish()
    run.break_off()
    left = sum(run.ledger.errands.count_ready("grant").values())
    assert 0 < left < 20
    following = Wishes()
    assert again(tmp_path, run, following).finish()
    assert len(following.granted) == left


class Mortal:
    """The ledger, or its errands, of a process that dies before or after one of its entries."""

    ENTRIES = ("intend", "submitted", "settle", "finish")

    def __init__(self, inner, life):
        self.inner = inner
        self.life = life
        if hasattr(inner, "errands"):
            self.errands = Mortal(inner.errands, life)

    def __getattr__(self, name):
        found = getattr(self.inner, name)
        return partial(self._enter, found) if name in self.ENTRIES else found

    def _enter(self, entry, *args, **columns):
        self._age()
        answer = entry(*args, **columns)
        self._age()
        return answer

    def _age(self):
        self.life["left"] -= 1
        if self.life["left"] < 0:
            raise Killed


ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, 1, 2]), st.booleans()), min_size=1, max_size=14)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 60), st.integers(0, 3), st.integers(1, 3))
def test_whatever_kills_a_run_the_next_one_does_the_rest(tmp_path_factory, rows, moment, parts, batch_rows):
    """Rows come again from the last STATE on, as from a tap; a person's last row decides, if it was delivered."""
    folder = tmp_path_factory.mktemp("work")
    bad = {f"p{person}@x.io" for person, _, refused in rows if refused}
    klaviyo = ModelKlaviyo(bad_when_imported=bad)
    ledger = Ledger.open(folder / "ledger.sqlite3", now=lambda: 1000.0, warn=lambda _: None)
    first = Wishes(people_a_time=2, fails_at=parts, error=Killed)
    run = bench(folder, first, klaviyo=klaviyo, ledger=Mortal(ledger, {"left": moment}), batch_rows=batch_rows)
    with suppress(Killed):
        _feed(run, rows)
    run.exporter._dispatch.close()
    run.close()
    ledger.close()
    list(klaviyo.import_jobs())
    second = Wishes(people_a_time=2)
    following = bench(folder, second, klaviyo=klaviyo, batch_rows=batch_rows, run_id="run-2")
    known = following.ledger.job_ids()
    Resume(klaviyo, following.ledger, known_jobs=known, clock=following.clock, job_timeout_seconds=60).settle()
    read = run.states[-1] if run.states else 0
    _feed(following, rows[read:])
    following.close()
    granted = {*first.granted, *second.granted}
    assert {email for email, _ in granted}.isdisjoint(bad)
    last = {f"p{person}@x.io": wish for person, wish, _ in rows}
    for email, wish in last.items():
        if email not in bad and wish is not None:
            assert (email, str(wish).encode()) in granted
    assert following.ledger.errands.count_ready("grant") == {}


def _feed(run, rows):
    """A STATE after every row, whose value is how many rows were read."""
    for total, (person, wish, _) in enumerate(rows, start=1):
        run.read(f"p{person}", wish=wish)
        run.exporter.state(total)
    run.exporter.finish()
