"""Who is under way: the same as a set of addresses, in half of the memory; and addresses put away small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.export.crowd import Crowd
from target_klaviyo_segments.export.lane import Export
from target_klaviyo_segments.export.parcel import Parcel
from target_klaviyo_segments.segment.batch import Batch, Row

PEOPLE = st.sets(st.integers(0, 9).map("p{}@x.io".format))


@given(st.lists(PEOPLE, max_size=5), st.data())
def test_a_crowd_is_a_set_of_people(groups, data):
    """Groups come and go; nobody is in two of them at once, for that is what it is asked before."""
    crowd, inside, held = Crowd(), {}, set()
    for number, drawn in enumerate(groups):
        group = drawn - held
        inside[number] = group, crowd.enter(group)
        held |= group
        if data.draw(st.booleans()):
            gone, hashes = inside.pop(data.draw(st.sampled_from(sorted(inside))))
            crowd.leave(hashes)
            held -= gone
        asked = data.draw(PEOPLE)
        assert crowd.isdisjoint(asked) == held.isdisjoint(asked)
        assert {each for each in asked if each in crowd} == held & asked


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, unique=True))
def test_a_packed_parcel_has_the_addresses_and_the_records_that_it_had(emails):
    """Once a worker has put them away."""
    batch = Batch(1)
    for number, email in enumerate(emails):
        batch.put(Row(number, email, b"{}", b'{"n": %d}' % number))
    parcel = Parcel(1, None, Export(1), batch, intent=None)
    before = parcel.emails
    parcel.pack()
    parcel.pack()
    assert parcel.emails == before == emails
    assert parcel.records([len(emails) - 1]) == {len(emails) - 1: b'{"n": %d}' % (len(emails) - 1)}
