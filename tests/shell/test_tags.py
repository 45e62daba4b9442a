"""Tags on profiles: values added to arrays in Klaviyo and taken out of them, through the whole target."""

from __future__ import annotations

from pipeline import record, schema, state

PEOPLE = schema(email={"type": ["string", "null"]}, tag={}, left={}, n={})
TAGS = {"append_fields": {"tags": "tag"}, "unappend_fields": {"tags": "left"}}


def tags(pipeline, email="a@x.io"):
    return pipeline.sandbox.profiles[email]["properties"].get("tags")


def test_tags_come_and_go_and_those_of_others_stay(pipeline):
    """Whatever else is in the array; nothing but the array changes."""
    assert pipeline.run([PEOPLE, record("a@x.io", tag=["vip", "new"], n=1)], **TAGS)
    assert pipeline.run([PEOPLE, record("a@x.io", tag="loyal", left="new", n=1)], **TAGS)
    assert pipeline.sandbox.profiles["a@x.io"]["properties"] == {"tags": ["vip", "loyal"], "n": 1}


def test_several_rows_of_a_person_each_add_their_tag(pipeline):
    """As a join gives them: one row for each tag. In a batch, and in batches that wait for each other."""
    rows = [record("a@x.io", tag=tag, n=n) for n, tag in enumerate(["one", "two", "three", "four", "five"])]
    lines = [PEOPLE, *rows[:3], record("b@x.io"), record("c@x.io"), *rows[3:], state(1)]
    for unchanged in ("send", "skip"):
        assert pipeline.run(lines, batch_size_rows=2, unchanged_profiles=unchanged, **TAGS)
        assert sorted(tags(pipeline)) == ["five", "four", "one", "three", "two"]
        assert pipeline.members()["a@x.io"]["properties"]["n"] == 4
        pipeline.assert_balanced()


def test_each_segment_has_its_own_tags(pipeline):
    """Or those of all, when it says nothing."""
    segments = {"people": {}, "others": {"append_fields": {"seen": "tag"}, "unappend_fields": {}}}
    lines = [PEOPLE, record("a@x.io", tag="vip"), {**PEOPLE, "stream": "others"}, record("b@x.io", "others", tag="vip")]
    assert pipeline.run(lines, segments=segments, **TAGS)
    assert pipeline.sandbox.profiles["a@x.io"]["properties"] == {"tags": ["vip"]}
    assert pipeline.sandbox.profiles["b@x.io"]["properties"] == {"seen": ["vip"]}


def test_a_constant_is_a_tag_by_a_stream_map(pipeline):
    """The name of the segment, which no column has."""
    maps = {"people": {"segment_name": "'vip'"}}
    assert pipeline.run([PEOPLE, record("a@x.io")], stream_maps=maps, append_fields={"segments": "segment_name"})
    assert pipeline.sandbox.profiles["a@x.io"]["properties"] == {"segments": ["vip"]}


def test_who_is_unchanged_is_not_tagged_again(pipeline, tmp_path):
    """A tag that was taken off in Klaviyo stays off while `unchanged_profiles` skips the person."""
    lines = [PEOPLE, record("a@x.io", tag="vip")]
    assert pipeline.run(lines, unchanged_profiles="skip", **TAGS)
    assert pipeline.run([PEOPLE, record("a@x.io", left="vip")], work_dir=str(tmp_path / "somebody else"), **TAGS)
    assert pipeline.run(lines, unchanged_profiles="skip", **TAGS)
    assert pipeline.totals["unchanged"] == 1
    assert not tags(pipeline)


def test_what_is_no_tag_is_told(pipeline):
    """The person is delivered, the property named in the report, and a mistyped source as well."""
    assert pipeline.run([PEOPLE, record("a@x.io", tag={"a": 1})], **TAGS)
    assert pipeline.report["streams"]["people"]["dropped_fields"] == {"properties.tags": 1}
    assert pipeline.run([PEOPLE, record("a@x.io")], append_fields={"tags": "tga"})
    (warning,) = pipeline.report["streams"]["people"]["warnings"]
    assert "`append_fields.tags` is `tga`, which is none of its properties; did you mean `tag`?" in warning
