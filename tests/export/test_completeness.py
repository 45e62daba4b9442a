"""Whether a segment came whole. The end of the input proves nothing: of a tap that crashed it looks the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.export.modes import Completeness

V, W = 1795440811197, 1795440910358
COLUMNS = ("id", "email")

SCHEMA = ("schema", COLUMNS, [])
CHANGES_ONLY = ("schema", COLUMNS, ["updated_at"])
OTHER_SHAPE = ("schema", (*COLUMNS, "tier"), [])
STATE = ("state",)
END = ("end", True)
BROKEN = ("end", False)


def record(version=None):
    return ("record", version)


def activate(version=V):
    return ("activate", version)


def gap(*messages, on_end=False):
    """Why a stream of these messages is not complete; None when it is."""
    completeness = Completeness(mirror_on_end_of_input=on_end)
    for kind, *values in messages:
        match kind:
            case "schema":
                completeness.schema(*values)
            case "record":
                completeness.record(*values)
            case "activate":
                completeness.activate_version(*values)
            case "state":
                completeness.state()
            case "end":
                completeness.end_of_input(by_itself=values[0])
    return completeness.gap


FULL_TABLE_OF_POSTGRES = [
    SCHEMA, STATE, activate(), record(V), record(V), record(V), activate(), STATE, STATE,
]  # fmt: skip  # as the tap prints them
FULL_TABLE_OF_MYSQL = [
    STATE, SCHEMA, activate(), record(V), record(V), STATE, record(V), STATE, activate(), STATE, STATE,
]  # fmt: skip  # as the tap prints them


@pytest.mark.parametrize("messages", [FULL_TABLE_OF_POSTGRES, FULL_TABLE_OF_MYSQL])
def test_a_full_table_is_closed_by_the_second_activate_version(messages):
    """PipelineWise's taps send one before the first record, and one after the last."""
    assert gap(*messages, END) is None


@pytest.mark.parametrize("messages", [FULL_TABLE_OF_POSTGRES, FULL_TABLE_OF_MYSQL])
def test_a_full_table_that_breaks_off_is_never_complete(messages):
    """Wherever the tap crashed: the input ends as if all were well."""
    closing = len(messages) - messages[::-1].index(activate())
    for length in range(closing):
        assert gap(*messages[:length], END) is not None
    for length in range(closing, len(messages) + 1):
        assert gap(*messages[:length], END) is None


def test_a_table_read_incrementally_is_never_complete():
    """PipelineWise's taps send an ACTIVATE_VERSION here too, before the first record."""
    stream = [STATE, CHANGES_ONLY, activate(), record(V), record(V), STATE, STATE]
    for on_end in (False, True):
        assert "`bookmark_properties`" in gap(*stream, END, on_end=on_end)
        assert "`bookmark_properties`" in gap(*stream, activate(), END, on_end=on_end)


def test_a_first_run_of_a_log_is_a_copy_of_the_table():
    """But says that it reads changes, so it is not complete either."""
    log = ("schema", (*COLUMNS, "_sdc_deleted_at"), ["lsn"])
    assert gap(log, activate(), record(V), activate(), STATE, END) is not None


def test_changes_of_a_log_after_the_copy_reopen_it():
    """Whoever they are about, the closing came before them."""
    assert gap(SCHEMA, activate(), record(V), activate(), record(V), STATE, END) is not None


def test_a_tap_without_versions_is_complete_only_by_the_end_of_input():
    """Taps of the SDK never send ACTIVATE_VERSION."""
    stream = [SCHEMA, record(), record(), STATE]
    assert gap(*stream, END) == (
        "no ACTIVATE_VERSION of its records' version came after the last of them. If its tap never sends one, "
        "`mirror_on_end_of_input` accepts the end of the input instead"
    )
    assert gap(*stream, END, on_end=True) is None


def test_a_tap_that_starts_with_state_is_complete_by_a_state_after_the_last_record():
    """tap-rest-api-msdk and resumed taps send STATE first; that one proves nothing."""
    assert "neither an ACTIVATE_VERSION nor a STATE came after its last record" in gap(
        STATE, SCHEMA, record(), record(), END, on_end=True
    )
    assert gap(STATE, SCHEMA, record(), record(), STATE, END, on_end=True) is None


def test_a_state_in_the_middle_proves_nothing():
    """Taps send STATE between records: one that crashed at record 151 had sent one at 100."""
    assert "STATE" in gap(SCHEMA, record(), STATE, record(), END, on_end=True)


def test_tap_jsonl_says_that_it_reads_changes():
    """Its replication key is the file's own time."""
    stream = ("schema", COLUMNS, ["_sdc_last_modified"])
    assert "let it read the whole table (FULL_TABLE)" in gap(stream, record(), STATE, END, on_end=True)


@pytest.mark.parametrize("on_end", [False, True])
def test_an_input_that_was_ended_is_never_complete(on_end):
    """A signal, a line broken in two, a limit: also after the closing."""
    for messages in (FULL_TABLE_OF_POSTGRES, [SCHEMA, record(), STATE]):
        assert "end by itself" in gap(*messages, BROKEN, on_end=on_end)
        assert "end by itself" in gap(*messages, on_end=on_end)


def test_a_reason_that_lasts_is_told_before_one_that_passes():
    """Running again mends a signal, and not a tap that reads changes alone."""
    assert "bookmark_properties" in gap(CHANGES_ONLY, record(), BROKEN)


@pytest.mark.parametrize("on_end", [False, True])
def test_a_stream_in_two_shapes_is_never_complete(on_end):
    """Two segments under one name look like that."""
    assert gap(SCHEMA, record(V), OTHER_SHAPE, record(V), activate(), STATE, END, on_end=on_end) == (
        "it came in two shapes (SCHEMAs with different properties), so it may be two segments under one name"
    )


def test_the_same_columns_in_another_order_are_one_shape():
    """A tap's column order is random, and a SCHEMA comes again."""
    again = ("schema", COLUMNS[::-1], None)
    assert gap(SCHEMA, activate(), record(V), again, record(V), activate(), END) is None


@pytest.mark.parametrize("on_end", [False, True])
def test_nothing_is_not_a_segment(on_end):
    """With nothing selected a tap sends no byte, and exits well."""
    assert gap(END, on_end=on_end) == "no record came"
    assert gap(SCHEMA, activate(), activate(), STATE, END, on_end=on_end) == "no record came"


def test_another_version_closes_nothing():
    """It belongs to records that have not come."""
    assert gap(SCHEMA, record(V), activate(W), END) is not None
    assert gap(SCHEMA, record(V), activate(V), activate(W), END) is not None
    assert gap(SCHEMA, record(None), activate(V), END) is not None
    assert gap(SCHEMA, record(None), activate(None), END) is not None


def test_records_of_two_versions_are_not_closed_by_one_of_them():
    """The table was begun anew in the middle."""
    assert "more than one version" in gap(SCHEMA, record(V), record(W), activate(W), END)
    assert "more than one version" in gap(SCHEMA, record(V), activate(V), record(W), activate(W), END)
    assert "more than one version" in gap(SCHEMA, record(W), record(V), record(V), activate(V), END)


def test_a_batch_is_records():
    """Files that come after the closing reopen the segment; they have no version."""
    assert gap(SCHEMA, activate(), record(V), activate(), record(None), END) is not None
    assert gap(SCHEMA, record(None), STATE, END, on_end=True) is None


versions = st.sampled_from([None, V, W])
messages = st.lists(
    st.one_of(
        st.sampled_from([SCHEMA, SCHEMA, STATE, CHANGES_ONLY, OTHER_SHAPE]),
        versions.map(record),
        versions.map(activate),
    ),
    max_size=12,
)
plain = st.lists(
    st.one_of(st.sampled_from([SCHEMA, STATE]), st.just(record(V)), versions.map(activate)),
    max_size=10,
)


def is_closed(stream, on_end):
    """The rule once more, looking back from the end."""
    places = [place for place, (kind, *_) in enumerate(stream) if kind == "record"]
    if not places:
        return False
    after, found = stream[places[-1] + 1 :], {stream[place][1] for place in places}
    activations = [values[0] for kind, *values in after if kind == "activate"]
    by_version = len(found) == 1 and None not in found and activations[-1:] == list(found)
    return by_version or (on_end and STATE in after)


@given(st.one_of(messages, plain), st.booleans(), st.booleans())
def test_complete_is_what_is_closed_whole_and_of_one_shape(stream, on_end, by_itself):
    """Whatever order the messages come in."""
    shapes = {frozenset(values[0]) for kind, *values in stream if kind == "schema"}
    sound = by_itself and CHANGES_ONLY not in stream and len(shapes) <= 1
    assert (gap(*stream, ("end", by_itself), on_end=on_end) is None) == (sound and is_closed(stream, on_end))


@given(messages, st.booleans())
def test_no_order_without_a_closing_after_the_last_record_is_complete(stream, on_end):
    """Cut off behind its last record, as by a crash: whatever came before, nobody may be removed."""
    last = max((place for place, (kind, *_) in enumerate(stream) if kind == "record"), default=-1)
    assert gap(*stream[: last + 1], END, on_end=on_end) is not None
    assert gap(*(each for each in stream if each[0] not in {"activate", "state"}), END, on_end=on_end) is not None


@given(messages, st.booleans(), st.integers(0, 12), st.sampled_from([BROKEN, CHANGES_ONLY]))
def test_what_spoils_a_segment_spoils_it_for_good(stream, on_end, place, spoiler):
    """No message that comes before or after makes it whole again."""
    assert gap(*stream[:place], spoiler, *stream[place:], activate(V), STATE, END, on_end=on_end) is not None
