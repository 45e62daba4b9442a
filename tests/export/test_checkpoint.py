"""Which STATE may go out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.export.checkpoint import Checkpoint


def test_a_state_without_rows_before_it_goes_out_at_once():
    """A tap that has nothing new still gets its bookmark saved."""
    checkpoint = Checkpoint()
    checkpoint.state({"a": 1}, 0)
    assert checkpoint.ready() == ({"a": 1},)


def test_null_and_empty_states_count_as_states():
    """`{}` is a STATE that the SDK swallows; here it goes out like any other."""
    checkpoint = Checkpoint()
    checkpoint.state({}, 0)
    assert checkpoint.ready() == ({},)
    checkpoint.state(None, 0)
    assert checkpoint.ready() == (None,)


def test_a_state_waits_for_the_rows_before_it():
    """STATE follows delivery."""
    checkpoint = Checkpoint()
    checkpoint.hold("batch", 1)
    checkpoint.state("after row 1", 1)
    assert checkpoint.ready() is None
    checkpoint.release("batch")
    assert checkpoint.ready() == ("after row 1",)
    assert checkpoint.ready() is None


def test_only_the_newest_of_several_ready_states_goes_out():
    """Meltano keeps the last one anyway."""
    checkpoint = Checkpoint()
    checkpoint.hold("batch", 5)
    checkpoint.state("four", 4)
    checkpoint.state("five", 5)
    checkpoint.release("batch")
    assert checkpoint.ready() == ("five",)


def test_waiting_states_never_outnumber_the_holders():
    """A tap that writes a STATE after each row costs no memory."""
    checkpoint = Checkpoint()
    checkpoint.hold("batch", 1)
    for sequence in range(1, 1000):
        checkpoint.state(sequence, sequence)
    assert len(checkpoint._states) == 1


_steps = st.lists(st.sampled_from(["row", "state", "settle", "seal"]), max_size=80)


@given(_steps, st.randoms(use_true_random=False))
def test_no_state_passes_an_unsettled_row(steps, random):
    """Whatever the order in which batches settle, a STATE out means that all rows before it are settled."""
    checkpoint = Checkpoint()
    read, opened, batches, settled, last_out = 0, None, {}, set(), 0
    for step in steps:
        if step == "row":
            read += 1
            if opened is None:
                opened = (f"batch {read}", [])
                checkpoint.hold(opened[0], read)
            opened[1].append(read)
        elif step == "seal" and opened is not None:
            batches[opened[0]] = opened[1]
            opened = None
        elif step == "state":
            checkpoint.state(read, read)
        elif step == "settle" and batches:
            name = random.choice(sorted(batches))
            settled.update(batches.pop(name))
            checkpoint.release(name)
        ready = checkpoint.ready()
        if ready is not None:
            assert set(range(1, ready[0] + 1)) <= settled
            assert ready[0] >= last_out
            last_out = ready[0]


@given(_steps)
def test_when_all_is_settled_the_last_state_is_out(steps):
    """Nothing is held back for ever."""
    checkpoint = Checkpoint()
    read, holders, last, out = 0, [], None, None
    for step in steps:
        if step == "row":
            read += 1
            holders.append(read)
            checkpoint.hold(read, read)
        elif step == "state":
            last = read
            checkpoint.state(read, read)
    for holder in reversed(holders):
        checkpoint.release(holder)
        ready = checkpoint.ready()
        out = ready[0] if ready else out
    ready = checkpoint.ready()
    assert (ready[0] if ready else out) == last
