"""What one run is told: rows, settings, how its input ends, what goes wrong. Drawn at random."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import strategies as st
from pipeline import LineByLine, schema, state, text

from tests.whole.world import Trouble

A, B, C = "LISTAA", "LISTBB", "LISTCC"
LISTS = (A, B, C)
PEOPLE = [f"p{number}@x.io" for number in range(4)]
VERSION = 1_790_000_000_000
# Three streams fill A; B is filled by a stream and by a segment of the stream `r`, whose other segment fills C.
LIST_OF = {"s": A, "t": A, "v": A, "u": B, "r/b": B, "r/c": C}
# And one that goes to no list: its people are suppressed, or no longer.
OBJECTIONS = "o"
STREAMS = ("s", "t", "v", "u", "r", OBJECTIONS)
VALUES = ("b", "c")
PLAIN = ("t", "u")  # streams without tags, which go the way of compiled types
_TEXTS = ("email", "_sdc_deleted_at", "first_name", "tier", "tag", "seg")
PUT, MARK, MARK_KEY, BAD = "put", "mark", "mark_key", "bad"


class Row(NamedTuple):
    """One record. `person` is an address; `what` the other properties, without what is the same for all."""

    stream: str
    op: str
    person: str
    what: tuple[tuple[str, Any], ...] = ()

    @property
    def lane(self):
        """The way that it goes; the stream's own name where `r` has no segment for it."""
        value = dict(self.what).get("seg")
        return f"r/{value}" if self.stream == "r" and value in VALUES else self.stream

    @property
    def record(self):
        number = int(self.person[1:-5])
        marked = {"_sdc_deleted_at": "2026-11-24T00:00:00Z"}
        if self.op == MARK_KEY:
            return {"id": number, **marked, **{name: value for name, value in self.what if name == "seg"}}
        found = {"id": number, "email": self.person, **dict(self.what)}
        if self.op == BAD:
            found["email"] = None
        return found | marked if self.op == MARK else found


@dataclass(frozen=True)
class Plan:
    """One run. `modes` are of lanes; `cut` is where the text of the input breaks off; `by_line` is how it comes."""

    rows: tuple[Row, ...]
    streams: tuple[str, ...]
    modes: dict[str, str]
    closed: frozenset[str]
    state_every: int
    cut: float | None
    scope: str
    skip: bool
    clear: bool
    drop: bool
    consent: bool
    at_end: bool
    percent: int
    allow: int | None
    batch_rows: int
    in_flight: int
    per_export: int
    refused: frozenset[str]
    refused_at_submit: frozenset[str]
    by_line: bool
    trouble: Trouble = field(default_factory=Trouble)

    @property
    def input(self):
        """The lines that the target gets, whole ones, and the piece of one after them."""
        lines = text(self._lines())
        kept = lines if self.cut is None else lines[: int(len(lines) * self.cut)]
        whole, _, torn = kept.rpartition("\n")
        found = whole.split("\n") if whole else []
        return ([*found, torn], "") if torn.endswith("}") and torn in lines.split("\n") else (found, torn)

    @property
    def text(self):
        whole, torn = self.input
        return "\n".join([*whole, torn])

    @property
    def tap(self):
        """The same to read: where a line at a time, a stream's schema is known before its records are decoded."""
        return (LineByLine if self.by_line else io.StringIO)(self.text)

    @property
    def messages(self):
        return [json.loads(line) for line in self.input[0]]

    def _lines(self):
        for stream in self.streams:
            texts = {name: {"type": ["string", "null"]} for name in _TEXTS}
            yield schema(stream, keys=("id",), id={"type": "integer"}, optin={"type": "boolean"}, **texts)
        for count, row in enumerate(self.rows, start=1):
            yield {"type": "RECORD", "stream": row.stream, "record": row.record, "version": VERSION}
            if count % self.state_every == 0:
                yield state(count)
        for stream in self.streams:
            if stream in self.closed:
                yield {"type": "ACTIVATE_VERSION", "stream": stream, "version": VERSION}
        yield state(len(self.rows))

    @property
    def lanes(self):
        """Lanes of the run that go to a list, in their order, with the mode of each."""
        parts = {"r": [f"r/{value}" for value in VALUES], OBJECTIONS: []}
        return {name: self.modes[name] for stream in self.streams for name in parts.get(stream, [stream])}

    @property
    def settings(self):
        mirror = {
            "mirror_scope": self.scope,
            "mirror_on_end_of_input": self.at_end,
            "max_removal_percent": self.percent,
        }
        return {
            **(mirror if "mirror" in self.modes.values() else {}),  # beside a suppression they are refused else
            "segments": {stream: self._of_stream(stream) for stream in STREAMS},
            "unchanged_profiles": "skip" if self.skip else "send",
            "unmapped_fields": "drop" if self.drop else "send",
            "null_fields": "clear" if self.clear else "keep",
            "batch_size_rows": self.batch_rows,
            "max_in_flight": self.in_flight,
            "max_profiles_per_export": self.per_export,
            "retry_max_seconds": 5 if self.trouble.kind == "down" else 600,
            "job_timeout_seconds": 10 if self.trouble.kind == "late" else 3600,
        }

    def _of_stream(self, stream):
        asks = {"subscribe_channels": ["email"], "consent_field": "optin"} if self.consent else {}
        asks |= {"append_fields": {"tags": "tag"}} if stream not in PLAIN else {}
        if stream == "r":
            values = {v: {"list_id": LIST_OF[f"r/{v}"], "sync_mode": self.modes[f"r/{v}"]} for v in VALUES}
            return {"segment_field": "seg", "segments": values, **asks}
        mode = self.modes[stream]
        if stream == OBJECTIONS:
            return {"sync_mode": mode}
        return {"list_id": LIST_OF[stream], "sync_mode": mode, **(asks if mode != "remove" else {})}


optional = {"first_name": st.sampled_from(["Ada", "Bea", None]), "tier": st.sampled_from(["x", "y", None])}
optional |= {"tag": st.sampled_from(["t1", "t2", None]), "optin": st.booleans()}


@st.composite
def rows_of(draw, streams):
    """The people of each stream, and some rows more anywhere between them."""
    found = [
        Row(stream, PUT, person, draw(properties(stream)))
        for stream in streams
        for person in draw(st.lists(st.sampled_from(PEOPLE), unique=True))
    ]
    for _ in range(draw(st.integers(0, 4))):
        stream = draw(st.sampled_from(streams))
        op = draw(st.sampled_from([PUT, PUT, MARK, MARK, MARK_KEY, BAD]))
        row = Row(stream, op, draw(st.sampled_from(PEOPLE)), draw(properties(stream)))
        found.insert(draw(st.integers(0, len(found))), row)
    return tuple(found)


@st.composite
def properties(draw, stream):
    what = dict(draw(st.fixed_dictionaries({}, optional=optional))) if draw(st.booleans()) else {}
    if stream in PLAIN:
        what.pop("tag", None)
    if stream == "r":
        what["seg"] = draw(st.sampled_from(["b", "b", "b", "c", "c", "c", "z", None]))
    return tuple(sorted(what.items()))


dying = st.one_of(
    st.builds(Trouble, st.just("die"), st.integers(1, 14), st.sampled_from(["request", "answer"]), slow=st.booleans()),
    st.builds(Trouble, st.just("die"), st.integers(1, 30), st.just("clock"), slow=st.booleans()),
    st.builds(Trouble, st.just("die"), st.integers(1, 3), st.just("state")),
)
failing = st.one_of(
    st.builds(Trouble, st.just("stop"), st.integers(1, 14)),
    st.builds(Trouble, st.just("down"), st.integers(1, 14)),
    st.builds(Trouble, st.just("cancel"), st.integers(1, 3)),
    st.just(Trouble("late", slow=True)),
)
passing = st.one_of(
    st.builds(Trouble, st.just("lose"), st.integers(1, 14), slow=st.booleans()),
    st.builds(Trouble, st.just("refuse"), st.integers(1, 14), status=st.sampled_from([429, 500, 503])),
    st.just(Trouble("slow", slow=True)),
)
usual = st.just(Trouble())
troubles = st.one_of(usual, usual, usual, passing, failing, dying, dying)


any_streams = st.lists(st.sampled_from(STREAMS), min_size=1, max_size=3, unique=True)
of_one_list = st.lists(st.sampled_from([name for name in STREAMS if LIST_OF.get(name) == A]), min_size=1, unique=True)


@st.composite
def plans(draw):
    streams = tuple(draw(st.one_of(any_streams, any_streams, of_one_list)))
    mode = st.sampled_from(["upsert", "upsert", "mirror", "mirror", "mirror", "remove"])
    few = st.sampled_from([frozenset()] * 5 + [frozenset({each}) for each in PEOPLE[:2]])
    return Plan(
        rows=draw(rows_of(streams)),
        streams=streams,
        modes={name: draw(mode) if name.partition("/")[0] in streams else "upsert" for name in LIST_OF}
        | {OBJECTIONS: draw(st.sampled_from(["suppress", "unsuppress"]))},
        closed=frozenset() if draw(st.integers(0, 5)) == 5 else frozenset(streams),
        state_every=draw(st.integers(1, 4)),
        cut=draw(st.sampled_from([None] * 12 + [0.4, 0.8, 0.95])),
        scope=draw(st.sampled_from(["exported", "all"])),
        skip=draw(st.booleans()),
        clear=draw(st.booleans()),
        drop=draw(st.booleans()),
        consent=draw(st.booleans()),
        at_end=draw(st.booleans()),
        percent=draw(st.sampled_from([100, 100, 100, 50, 20])),
        allow=draw(st.sampled_from([None, None, 1, 3])),
        batch_rows=draw(st.integers(1, 4)),
        in_flight=draw(st.integers(1, 2)),
        per_export=draw(st.sampled_from([1000, 3, 2])),
        refused=draw(few),
        refused_at_submit=draw(few),
        by_line=draw(st.booleans()),
        trouble=draw(troubles),
    )
