"""A body of plain rows is taken whole, any other row by row: nobody can tell which it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thorough import thorough

JOBS = "/api/profile-bulk-import-jobs"
LIST = "Y6nRLr"

LONG = f"{'a' * 8}@{'.'.join(['d' * 30] * 3)}.io"
EMAILS = [f"p{number}@x.io" for number in range(6)]
ODD_EMAILS = ["P1@X.io", "o'brien@x.io", "jürgen@bücher.de", "two\n@x.io", "no-at", "", LONG]
PHONES = ["+12025550143", "+12025550144", "+12025550145"]
PROPERTIES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 1, "x", [1, 2], 10**30]), max_size=3)
VALUES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, "x", [1, 2], True, 10**30]), max_size=3)
PATCHES = st.fixed_dictionaries(
    {}, optional={"append": VALUES, "unappend": VALUES, "unset": st.sampled_from(["a", ["b", "c"]])}
)


@st.composite
def profiles(draw, *, tidy=True):
    """A row; an untidy one may have anything that refuses or drops it."""
    optional = {
        "first_name": st.sampled_from(["Ada", "Björk", None]),
        "location": st.sampled_from([None, {}, {"city": "Graz"}, {"city": None, "zip": "1"}]),
        "properties": PROPERTIES,
        "phone_number": st.sampled_from([*PHONES, None]),
        "external_id": st.sampled_from(["1", "2", "p1@x.io", "", None]),
        "_kx": st.just("token"),
    }
    email = st.sampled_from(EMAILS) if tidy else st.sampled_from([*EMAILS, *ODD_EMAILS, None])
    row = {"type": "profile", "attributes": draw(st.fixed_dictionaries({"email": email}, optional=optional))}
    if draw(st.integers(0, 5)) == 0:
        row["meta"] = {"patch_properties": draw(PATCHES)}
    if not tidy:
        spoil = draw(st.sampled_from([{}, {"id": None}, {"id": "nobody"}, {"type": "person"}, {"lists": []}]))
        row |= spoil
    return row


def by_email(row):
    return row["attributes"]["email"]


TIDY = st.lists(profiles(), min_size=1, max_size=6, unique_by=by_email)
BODIES = st.tuples(st.one_of(TIDY, TIDY, st.lists(profiles(tidy=False), max_size=5)), st.sampled_from([None, 2]))


@pytest.fixture
def pair(new_caller):
    """The same account twice; somebody who reads each row before it is taken makes the second go row by row."""

    def make():
        quick, exact = new_caller(), new_caller()
        exact.box.refuse_at_submit(lambda _row: None)
        return quick, exact

    return make


def everything_about(caller, submitted):
    """All that a caller can see, without the ids of errors, which are drawn by lot."""
    answers = [(answer.status, answer.json.get("data"), _told(answer.json)) for answer in submitted]
    errors = [caller.errors_of(answer) for answer in submitted if answer.status == 202]
    pages = [caller.everything(path) for path in (JOBS, "/api/profiles", f"/api/lists/{LIST}/profiles")]
    return answers, errors, pages, caller.box.profiles, caller.box.members(LIST)


def _told(document):
    return [(error["detail"], error["source"]) for error in document.get("errors", [])]


@thorough(50)
@given(
    st.lists(st.tuples(BODIES, st.sampled_from([0, 0, 5])), min_size=1, max_size=5),
    st.sampled_from([0, 8]),
)
def test_state_and_answers_are_the_same(pair, body, clock, bodies, job_seconds):
    """New people, known people, the same body again, twins in open jobs, blanks between rows, rows that fall."""
    callers = pair()
    submitted = ([], [])
    for (rows, indent), seconds in [*bodies, bodies[0]]:
        content = json.dumps(body(rows), indent=indent, separators=None if indent else (",", ":")).encode()
        for caller, answers in zip(callers, submitted, strict=True):
            caller.box.job_seconds = job_seconds
            answers.append(caller.send("POST", JOBS, body=content))
        clock.seconds += seconds
    clock.seconds += 10
    seen = [everything_about(caller, answers) for caller, answers in zip(callers, submitted, strict=True)]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("spelling", [{}, {"indent": 1}, {"separators": (",", ":")}, {"separators": (" ,", ":")}])
def test_a_row_is_cut_out_of_its_body_as_it_was_sent(caller, body, spelling):
    """Blanks between rows, inside of them, and text that looks like a row."""
    row = {"email": "a@x.io", "title": '{"type":"profile","attributes":{"email":"c@x.io"}}, '}
    rows = [row, {"email": "b@x.io", "properties": {"row": json.dumps(row)}}, {"email": "c@x.io", "properties": row}]
    content = json.dumps(body(rows), **spelling).encode()
    assert caller.send("POST", JOBS, body=content).status == 202
    found = caller.box.profiles
    assert [found[row["email"]]["email"] for row in rows] == list(found)
    assert found["a@x.io"]["title"] == row["title"]
    assert found["b@x.io"]["properties"] == rows[1]["properties"]
    assert found["c@x.io"]["properties"] == row


def test_a_row_over_the_limit_falls_out_of_a_plain_body(caller, body):
    """The others of its body stay."""
    rows = [{"email": "a@x.io"}, {"email": "big@x.io", "properties": {"note": "x" * 100_000}}, {"email": "c@x.io"}]
    begun = caller.send("POST", JOBS, body=body(rows))
    (error,) = caller.errors_of(begun)
    assert error["original_payload"]["email"] == "big@x.io"
    assert sorted(caller.box.profiles) == ["a@x.io", "c@x.io"]


def test_people_who_came_together_change_alone(caller):
    """Till nobody of the body is left as he came."""
    rows = [{"email": f"p{number}@x.io", "title": "first"} for number in range(3)]
    caller.load(*rows)
    for changed in range(3):
        caller.load({"email": f"p{changed}@x.io", "title": "second"})
        titles = [person["title"] for person in caller.box.profiles.values()]
        assert titles == ["second"] * (changed + 1) + ["first"] * (2 - changed)
    assert caller.box.counts["profiles"] == 3


def test_the_same_body_again_undoes_what_came_between(caller, clock):
    """Also when it was somebody in the middle who changed; and everybody was updated now."""
    rows = [{"email": f"p{number}@x.io", "title": "first"} for number in range(3)]
    caller.load(*rows)
    caller.load({"email": "p1@x.io", "title": "second"})
    for _ in range(2):
        clock.seconds += 100
        caller.load(*rows)
        assert {person["title"] for person in caller.box.profiles.values()} == {"first"}
        shown = caller.get("/api/profiles", filter="less-than(updated,2026-09-21T14:14:20Z)")
        assert shown.json["data"] == []


def test_nobody_is_known_by_nothing(caller):
    """An empty external_id is no key, whoever else has a real one."""
    caller.load({"email": "a@x.io", "external_id": ""}, {"email": "b@x.io", "external_id": "1"}, {"email": "c@x.io"})
    assert caller.get("/api/profiles", filter='equals(external_id,"")').json["data"] == []


def test_a_list_that_not_everybody_is_on(caller):
    """People who came before and are on no list; then a body, then a part of both."""
    caller.load({"email": "a@x.io"}, {"email": "b@x.io"}, list_id=None)
    caller.load({"email": "c@x.io"}, {"email": "d@x.io"})
    caller.load({"email": "b@x.io"}, {"email": "c@x.io"})
    assert [member["email"] for member in caller.box.members(LIST)] == ["c@x.io", "d@x.io", "b@x.io"]
    gone = caller.box.profiles["d@x.io"]["id"]
    path = f"/api/lists/{LIST}/relationships/profiles"
    assert caller.send("DELETE", path, body={"data": [{"type": "profile", "id": gone}]}).status == 204
    assert [member["email"] for member in caller.box.members(LIST)] == ["c@x.io", "b@x.io"]
