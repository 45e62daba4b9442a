"""What is wrong with a stream and stops nothing is said in the log, not in the report alone."""

from __future__ import annotations

from pipeline import record, schema, state


def told(caplog):
    return [line for line in caplog.messages if line.startswith("connection klaviyo: ")]


def test_a_misspelt_property_is_in_the_log(pipeline, caplog):
    """The run delivers, and whoever looks at the log knows why a field is empty."""
    lines = [schema(email={}, given={}), record("a@x.io", given="Ada"), state(1)]
    assert pipeline.run(lines, field_map={"first_name": "givn"}), pipeline.error
    assert pipeline.report["streams"]["people"]["delivered"] == 1
    (warning,) = [line for line in told(caplog) if "field_map" in line]
    assert "`field_map.first_name` is `givn`, which is none of its properties; did you mean `given`?" in warning


def test_a_thousand_streams_do_not_fill_the_log(pipeline, caplog):
    """The first are told, and how many there are more."""
    lines = [each for n in range(30) for each in (schema(f"s{n}", email={}), record("a@x.io", f"s{n}"))]
    assert pipeline.run([*lines, state(1)], field_map={"first_name": "givn"}), pipeline.error
    assert len([line for line in told(caplog) if "field_map" in line]) == 20
    assert "connection klaviyo: 10 more warnings are in the report" in told(caplog)
