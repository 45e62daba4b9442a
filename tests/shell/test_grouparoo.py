"""What Grouparoo published of its Klaviyo export, case by case, on lists: https://github.com/grouparoo/grouparoo ."""

from __future__ import annotations

import pytest
from pipeline import LIST, record, schema, state

ANY = {"type": ["string", "null"]}
PEOPLE = schema(keys=("id",), id={"type": "integer"}, email=ANY, first_name=ANY, tier=ANY, _sdc_deleted_at=ANY)
WHOLE = {"sync_mode": "mirror", "mirror_on_end_of_input": True, "max_removal_percent": 100}
OTHER = "OTHER1"


def people(*rows):
    return [PEOPLE, *(record(email, **{"id": number, **fields}) for number, email, fields in rows), state(len(rows))]


def emails(pipeline, list_id=LIST):
    return sorted(pipeline.members(list_id))


def test_somebody_new_is_created(pipeline):
    """With their fields, on the list."""
    assert pipeline.run(people((1, "a@x.io", {"first_name": "Ada", "tier": "gold"})))
    (person,) = pipeline.sandbox.profiles.values()
    assert (person["email"], person["first_name"]) == ("a@x.io", "Ada")
    assert person["properties"] == {"id": 1, "tier": "gold"}
    assert emails(pipeline) == ["a@x.io"]


@pytest.mark.parametrize("address", [None, "", " ", "nobody"])
def test_nobody_is_created_without_an_address(pipeline, address):
    """The row is refused with its reason, and the others go."""
    assert pipeline.run(people((1, address, {}), (2, "b@x.io", {})))
    assert list(pipeline.sandbox.profiles) == ["b@x.io"]
    assert [(row["row"], row["code"].partition("_")[0]) for row in pipeline.rejects()] == [(1, "email")]


def test_a_person_who_is_known_is_updated(pipeline):
    """Fields change; nobody is there twice."""
    for name in ("Ada", "Augusta"):
        assert pipeline.run(people((1, "a@x.io", {"first_name": name})))
    (person,) = pipeline.sandbox.profiles.values()
    assert person["first_name"] == "Augusta"


def test_fields_are_cleared(pipeline):
    """With `null_fields: clear`: gone, not set to a word for nothing."""
    assert pipeline.run(people((1, "a@x.io", {"first_name": "Ada", "tier": "gold"})), null_fields="clear")
    assert pipeline.run(people((1, "a@x.io", {"first_name": None, "tier": None})), null_fields="clear")
    person = pipeline.sandbox.profiles["a@x.io"]
    assert "first_name" not in person
    assert person["properties"] == {"id": 1}


def test_groups_are_lists_that_people_join_and_leave(pipeline):
    """Two segments, two lists; whoever leaves one stays on the other."""
    pipeline.sandbox.add_list(OTHER, "Others")
    segments = {"people": mirrored(LIST), "others": mirrored(OTHER)}
    both = [*people((1, "a@x.io", {}), (2, "b@x.io", {})), *in_others((1, "a@x.io"), (3, "c@x.io"))]
    assert pipeline.run(both, segments=segments, **WHOLE)
    assert (emails(pipeline), emails(pipeline, OTHER)) == (["a@x.io", "b@x.io"], ["a@x.io", "c@x.io"])
    assert pipeline.run(
        [*people((2, "b@x.io", {})), *in_others((1, "a@x.io"), (3, "c@x.io"))], segments=segments, **WHOLE
    )
    assert (emails(pipeline), emails(pipeline, OTHER)) == (["b@x.io"], ["a@x.io", "c@x.io"])
    assert "a@x.io" in pipeline.sandbox.profiles


def mirrored(list_id):
    return {"list_id": list_id, "sync_mode": "mirror"}


def in_others(*rows):
    lines = [record(email, "others", id=number) for number, email in rows]
    return [{**PEOPLE, "stream": "others"}, *lines, state(9)]


def test_a_record_that_changes_its_address_is_the_new_one_on_the_list(pipeline):
    """In a mirror the old address leaves the list; its profile stays in Klaviyo, with its history."""
    assert pipeline.run(people((1, "old@x.io", {"tier": "gold"}), (2, "b@x.io", {})), **WHOLE)
    assert pipeline.run(people((1, "new@x.io", {"tier": "gold"}), (2, "b@x.io", {})), **WHOLE)
    assert emails(pipeline) == ["b@x.io", "new@x.io"]
    assert "old@x.io" in pipeline.sandbox.profiles
    assert pipeline.totals["removed"] == 0
    assert pipeline.report["streams"]["people"]["mirror"]["removed"] == 1


def test_without_a_mirror_an_old_address_stays_on_the_list(pipeline):
    """Nobody is taken off a list unless it is asked for."""
    assert pipeline.run(people((1, "old@x.io", {})))
    assert pipeline.run(people((1, "new@x.io", {})))
    assert emails(pipeline) == ["new@x.io", "old@x.io"]


def test_a_record_with_an_id_of_its_own_keeps_its_profile_when_its_address_changes(pipeline):
    """`external_id` is what tells Klaviyo that it is the same person: the profile gets the new address."""
    by_id = {"field_map": {"external_id": "id"}, **WHOLE}
    assert pipeline.run(people((1, "old@x.io", {"first_name": "Ada"})), **by_id)
    before = pipeline.sandbox.profiles["old@x.io"]["id"]
    assert pipeline.run(people((1, "new@x.io", {"first_name": "Ada"})), **by_id)
    assert {email: person["id"] for email, person in pipeline.sandbox.profiles.items()} == {"new@x.io": before}
    assert emails(pipeline) == ["new@x.io"]


def test_when_both_addresses_exist_each_keeps_its_profile(pipeline):
    """The new one is the member; nothing of the old one is lost, and nobody is merged."""
    assert pipeline.run(people((1, "old@x.io", {"tier": "gold"}), (2, "new@x.io", {"tier": "silver"})), **WHOLE)
    assert pipeline.run(people((1, "new@x.io", {"tier": "bronze"})), **WHOLE)
    assert emails(pipeline) == ["new@x.io"]
    tiers = {email: person["properties"]["tier"] for email, person in pipeline.sandbox.profiles.items()}
    assert tiers == {"old@x.io": "gold", "new@x.io": "bronze"}


def test_when_both_addresses_exist_and_the_id_is_the_old_ones_the_row_is_told(pipeline):
    """Klaviyo does not take a row that means two people: it goes to the rejects, and nobody changes."""
    by_id = {"field_map": {"external_id": "id"}}
    assert pipeline.run(people((1, "old@x.io", {"tier": "gold"}), (2, "new@x.io", {"tier": "silver"})), **by_id)
    before = pipeline.sandbox.profiles
    assert pipeline.run(people((1, "new@x.io", {"tier": "bronze"})), **by_id)
    assert pipeline.sandbox.profiles == before
    (row,) = pipeline.rejects()
    assert row["code"] == "klaviyo_import_error"
    assert "already exists" in row["reason"]


def test_somebody_is_removed_without_being_created(pipeline):
    """Whom nobody knows is on no list."""
    assert pipeline.run(people((1, "a@x.io", {}), (2, "b@x.io", {})))
    assert pipeline.run(people((2, "b@x.io", {}), (3, "c@x.io", {})), sync_mode="remove")
    assert emails(pipeline) == ["a@x.io"]
    assert sorted(pipeline.sandbox.profiles) == ["a@x.io", "b@x.io"]
    assert pipeline.totals["removed"] == 2


@pytest.mark.parametrize("address", [None, "gone@x.io"], ids=["key", "address"])
def test_the_deletion_of_somebody_who_does_not_exist_does_nothing(pipeline, address):
    """By the key alone or with an address; no error, and nobody is created to be removed."""
    assert pipeline.run(people((1, "a@x.io", {})))
    assert pipeline.run(people((9, address, {"_sdc_deleted_at": "2026-11-24T00:00:00Z"})))
    assert emails(pipeline) == list(pipeline.sandbox.profiles) == ["a@x.io"]
    pipeline.assert_balanced()


def test_a_deletion_takes_the_person_off_the_list_and_deletes_nothing(pipeline):
    """Grouparoo deletes the profile; here it stays, with its consent: deleting is not asked for."""
    assert pipeline.run(people((1, "a@x.io", {})))
    assert pipeline.run(people((1, None, {"_sdc_deleted_at": "2026-11-24T00:00:00Z"})))
    assert emails(pipeline) == []
    assert list(pipeline.sandbox.profiles) == ["a@x.io"]
