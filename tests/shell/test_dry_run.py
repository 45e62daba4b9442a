"""A dry run: what it foretells comes true, and nothing is written."""

from __future__ import annotations

import functools
import json
import re
import signal
import sqlite3
from contextlib import closing

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from pipeline import LIST, Pipeline, command, record, schema, state

from target_klaviyo_segments.check import inspect
from target_klaviyo_segments.cli import main
from target_klaviyo_segments.config import read_config
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.retry import Retry
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Once

TEXT = {"type": ["string", "null"]}
PEOPLE = schema(keys=("id",), id={}, email=TEXT, first_name=TEXT, tier={}, optin={}, _sdc_deleted_at=TEXT)
FATES = ("read", "delivered", "rejected", "unchanged", "merged", "removed", "filtered", "failed")


def person(number, **values):
    return record(f"p{number}@x.io", id=number, **values)


def deleted(number):
    return {"type": "RECORD", "stream": "people", "record": {"id": number, "_sdc_deleted_at": "2026-11-24T00:00:00Z"}}


def plan(pipeline):
    return json.loads((pipeline.work_dir / "plan.json").read_text())


def everything(pipeline):
    """All that a dry run must leave as it is: Klaviyo, and what the next run goes by."""
    kept = ("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.lock", "report.json", "report.html")
    files = {name: (pipeline.work_dir / name).read_bytes() for name in kept if (pipeline.work_dir / name).exists()}
    lists = {list_id: pipeline.sandbox.members(list_id) for list_id in pipeline.sandbox.lists}
    return files, lists, pipeline.sandbox.profiles, pipeline.sandbox.lists, pipeline.sandbox.jobs


def rehearse(pipeline, lines, **options):
    """A dry run, and proof that it wrote nothing; whether it ended well."""
    before, asked = everything(pipeline), len(pipeline.sandbox.requests)
    page = pipeline.work_dir / "plan.html"
    page.unlink(missing_ok=True)
    ended_well = pipeline.run(lines, dry_run=True, **options)
    assert everything(pipeline) == before
    assert {entry.method for entry in pipeline.sandbox.requests[asked:]} <= {"GET"}
    assert pipeline.stdout == ""
    assert plan(pipeline)["dry_run"] is True
    assert "This was a dry run" in page.read_text()
    return ended_well


def outcome(document):
    """What a dry run and a run have in common, stream by stream."""
    names = (
        *FATES,
        "reject_reasons",
        "filter_reasons",
        "dropped_fields",
        "cleared_fields",
        "mirror",
        "consent",
        "jobs",
    )
    streams = {
        stream: {name: counts[name] for name in names} | {"exports": len(counts["exports"])}
        for stream, counts in document["streams"].items()
    }
    lists = {each["id"]: "NEW" for each in document["lists_created"]} | {"new-01": "NEW", "new-02": "NEW"}
    warnings = [
        functools.reduce(lambda text, pair: text.replace(*pair), lists.items(), each) for each in document["warnings"]
    ]
    return streams, sorted(warnings), document["status"], document["plan"]["needed"]


def ledger_of(pipeline):
    """Fingerprint by person, of everybody who is on a list."""
    with closing(sqlite3.connect(pipeline.work_dir / "ledger.sqlite3")) as connection:
        return dict(connection.execute("SELECT person, fingerprint FROM members"))


def members_of(prints, number=1):
    return {who.split(" ")[1]: found for who, found in prints.items() if who.startswith(f"{number} ")}


NAMES = st.sampled_from([None, "Ada", "Bo"])
ROWS = st.lists(
    st.tuples(st.integers(0, 9), NAMES, st.sampled_from(["row", "row", "row", "bad", "gone"]), st.booleans()),
    max_size=12,
)
SETTINGS = st.fixed_dictionaries(
    {
        "unchanged_profiles": st.sampled_from(["send", "skip"]),
        "sync_mode": st.sampled_from(["upsert", "mirror", "mirror", "remove"]),
        "mirror_scope": st.sampled_from(["exported", "all"]),
        "max_removal_percent": st.sampled_from([20, 100]),
        "mirror_on_end_of_input": st.booleans(),
        "null_fields": st.sampled_from(["keep", "clear"]),
        "max_profiles_per_export": st.sampled_from([4, 100]),
        "on_export_limit": st.sampled_from(["split", "fail"]),
        "resend_after_days": st.sampled_from([0, 7]),
        "warn_new_members": st.sampled_from([2, 1000]),
        "on_invalid_record": st.sampled_from(["reject", "reject", "fail"]),
        "on_plan_limit": st.sampled_from(["warn", "fail"]),
    }
)
PLACES = st.sampled_from(
    [{}, {"list_id": None, "list_name": "Fresh", "create_list": True, "opt_in_process": "double_opt_in"}]
)
CONSENT = st.sampled_from([{}, {"subscribe_channels": ["email"], "consent_field": "optin"}])


def lines_of(rows, *, once):
    """A stream; with `once` only the first row of each person, who is then in one batch."""
    seen, lines = set(), [PEOPLE]
    for number, name, kind, optin in rows:
        if once and number in seen:
            continue
        seen.add(number)
        row = person(number, first_name=name, tier=name, optin=optin)
        row["record"] |= {"email": "nobody"} if kind == "bad" else {}
        lines.append(deleted(number) if kind == "gone" else row)
    return [*lines, state(len(rows))]


@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(ROWS, ROWS, SETTINGS, PLACES, CONSENT, st.booleans(), st.sampled_from([0, 3, 8]))
@example(  # a mirror of everybody on the list, and new people who must not count as members of before
    before=[(n, "Ada", "row", True) for n in range(4)],
    rows=[(n, "Bo", "row", True) for n in range(1, 10)],
    chosen={"sync_mode": "mirror", "mirror_scope": "all", "mirror_on_end_of_input": True, "max_removal_percent": 20},
    place={},
    consent={},
    once=True,
    days=3,
)
def test_what_a_dry_run_foretells_comes_true(tmp_path_factory, before, rows, chosen, place, consent, once, days):
    """On any input and settings: fates, reasons, people, removals, jobs, lists, warnings, and how it ends."""
    pipeline = Pipeline(tmp_path_factory.mktemp("dry"), limits=False, plan_profiles=(0, 12))
    past = {name: chosen[name] for name in chosen if name == "null_fields"} | consent
    assert pipeline.run([*lines_of([row for row in before if row[2] == "row"], once=False)], **past), pipeline.error
    pipeline.sandbox.consent("p1@x.io").unsubscribe(1.0) if "p1@x.io" in pipeline.sandbox.profiles else None
    pipeline.clock.sleep(days * 86_400 + 60)
    lines, batch = lines_of(rows, once=once), 3 if once else 1_000
    options = {**chosen, **place, "batch_size_rows": batch} | (consent if chosen["sync_mode"] != "remove" else {})
    if not once:  # whether rows of a person in two exports meet depends on when a job ends
        options["max_profiles_per_export"] = 100

    ended_well, error = rehearse(pipeline, lines, **options), pipeline.error
    foretold, had = plan(pipeline), ledger_of(pipeline)
    assert pipeline.run(lines, **options) == ended_well
    assert outcome(foretold) == outcome(pipeline.report)
    assert foretold["message"] == pipeline.report["message"] == error
    new_lists = [(each["name"], each["opt_in_process"]) for each in foretold["foretold"]["lists_to_create"]]
    assert len(new_lists) == len(pipeline.report["lists_created"])
    assert [each["name"] for each in pipeline.report["lists_created"]] == [name for name, _ in new_lists]
    assert_people(foretold["foretold"]["people"], pipeline, had, lines, place)


def assert_people(people, pipeline, had, lines, place):
    """By the ledger before and after the run: who is new to it, who has something else, who has the same."""
    if pipeline.report["totals"]["failed"] or "fail" in (pipeline.error or ""):
        return  # not everybody was looked at
    has = ledger_of(pipeline)
    had, has = ({}, members_of(has, 2)) if place else (members_of(had), members_of(has))
    sync = [line["record"]["email"] for line in lines if line["type"] == "RECORD" and line["record"].get("email")]
    came = {email for email in sync if email != "nobody"} if people["new"] or sum(people.values()) else set()
    known = came & had.keys()
    assert sum(people.values()) == len(came)
    assert people["new"] == len(came - known)
    if known <= has.keys():  # nobody was taken off who says what they were sent
        assert people["changed"] == sum(had[email] != has[email] for email in known)


def rows(*numbers, **values):
    return [PEOPLE, *(person(n, **values) for n in numbers), state(1)]


def test_the_plan_in_words_and_in_files(pipeline, caplog):
    """Clear that it was a dry run, with no e-mail address; the last run's report stays where it is."""
    assert pipeline.run(rows(1, 2, 3, first_name="Ada"))
    caplog.clear()
    caplog.set_level("INFO")
    lines = [
        *rows(2, first_name="Ada"),
        person(3, first_name="Grace"),
        person(4),
        record("no address", id=9),
        deleted(1),
    ]
    assert rehearse(pipeline, lines, batch_size_rows=2)
    told = "\n".join(caplog.messages)
    assert "of connection klaviyo (dry run) begins" in told
    assert f"dry run {plan(pipeline)['run_id']} of connection klaviyo, in " in told
    assert "is over" not in told
    assert "a run would end well" in told
    assert "nothing was written to Klaviyo, neither to the ledger nor as STATE" in told
    counts = "read 5, to be delivered 3, rejected 1, removed 1"
    assert f"rows: {counts}; rejected because: email_invalid 1" in told
    assert "people, by the ledger: new 1, changed 1, due again 0, unchanged 1" in told
    assert "3 to be delivered in 1 exports" in told
    assert "who would leave: people of 1 row that ask for it" in told
    assert re.search(r"to be sent: 2 import jobs, 1 removal request; \d+ bytes; .* by Klaviyo's quota", told)
    (rejects,) = (pipeline.work_dir / "rejects").glob("*.jsonl")
    assert f"plan: {pipeline.work_dir / 'plan.html'}; rejects: {rejects}; requests to read: " in told
    page = (pipeline.work_dir / "plan.html").read_text()
    assert "Would succeed" in page
    for text in (told, page, json.dumps(plan(pipeline))):
        assert "@x.io" not in text
        assert "Grace" not in text
    (rejected,) = (pipeline.work_dir / "rejects").glob("*.jsonl")
    assert json.loads(rejected.read_text())["record"]["email"] == "no address"


def test_its_report_is_kept_by_its_id_and_marked(pipeline):
    """`report RUN_ID` shows it; no run of the history is it."""
    assert pipeline.run(rows(1))
    assert rehearse(pipeline, rows(1, 2))
    kept = json.loads((pipeline.work_dir / "reports" / f"{plan(pipeline)['run_id']}.json").read_text())
    assert kept == plan(pipeline)
    assert kept["last_successful_at"] < kept["started_at"]
    assert pipeline.run(rows(1))
    assert [each["run_id"] for each in pipeline.report["earlier_runs"]] == [
        each["run_id"] for each in kept["earlier_runs"]
    ]
    assert (pipeline.report["dry_run"], pipeline.report["foretold"]) == (False, None)


def test_people_who_were_delivered_long_ago_are_due_again(pipeline):
    """The same people, by the ledger: told apart from those whom `skip` leaves out."""
    assert pipeline.run(rows(1, 2))
    assert rehearse(pipeline, rows(1, 2, 3), unchanged_profiles="skip")
    assert plan(pipeline)["foretold"]["people"] == {"new": 1, "changed": 0, "due_again": 0, "unchanged": 2}
    assert plan(pipeline)["totals"]["unchanged"] == 2
    pipeline.clock.sleep(8 * 86_400)
    assert rehearse(pipeline, rows(1, 2, 3), unchanged_profiles="skip")
    assert plan(pipeline)["foretold"]["people"] == {"new": 1, "changed": 0, "due_again": 2, "unchanged": 0}


def test_a_stream_in_several_segments(pipeline):
    """Each to its list, those that are missing taken for made; who has gone from one leaves it, as in the run."""
    tiers = {"list_id": None, "segment_field": "tier", "create_list": True, "opt_in_process": "single_opt_in"}
    mirror = {"sync_mode": "mirror", "mirror_on_end_of_input": True, "max_removal_percent": 100, "mirror_scope": "all"}
    assert pipeline.run([PEOPLE, *(person(n, tier="gold") for n in range(4)), person(4, tier="tin"), state(1)], **tiers)
    pipeline.clock.sleep(60)
    lines = [PEOPLE, person(0, tier="gold"), person(1, tier="silver"), person(5, tier="lead"), person(6), state(2)]
    assert not rehearse(pipeline, lines, **tiers, **mirror)
    foretold = plan(pipeline)
    assert [each["name"] for each in foretold["foretold"]["lists_to_create"]] == ["silver", "lead"]
    assert foretold["foretold"]["streams"]["people/gold"]["people"]["unchanged"] == 1
    assert foretold["streams"]["people/gold"]["mirror"]["removed"] == 3
    assert "people/tin" in foretold["message"]
    assert not pipeline.run(lines, **tiers, **mirror)
    assert outcome(foretold) == outcome(pipeline.report)
    assert foretold["message"] == pipeline.report["message"]


def test_who_comes_twice_is_one_person(pipeline):
    """Also in two batches, the second after the first would have been delivered."""
    assert pipeline.run(rows(1, 2, 3))
    lines = [*rows(1, 2, 3), state(2), person(1, tier="x"), person(4), state(3), person(1, tier="y"), person(4)]
    assert rehearse(pipeline, lines, batch_size_rows=2)
    assert plan(pipeline)["foretold"]["people"] == {"new": 1, "changed": 1, "due_again": 0, "unchanged": 2}


def test_a_mirror_that_would_be_refused_is_refused(pipeline, caplog):
    """With the numbers, and the exit status that the run would have; `--allow-removals` counts."""
    caplog.set_level("INFO")
    mirror = {"sync_mode": "mirror", "mirror_on_end_of_input": True}
    assert pipeline.run(rows(1, 2, 3, 4))
    assert not rehearse(pipeline, rows(1), **mirror)
    assert "3 of 4 members would leave" in pipeline.error
    assert plan(pipeline)["status"] == "failed"
    assert "nobody of the list People, for the mirror is refused (3 of 4)" in caplog.text
    assert "Would fail" in (pipeline.work_dir / "plan.html").read_text()
    allow = Once(allow_removals=3)
    assert rehearse(pipeline, rows(1), begun=lambda target: setattr(target, "_once", allow), **mirror)
    assert "who would leave: 3 of 4 of the list People" in caplog.text
    assert plan(pipeline)["foretold"]["requests"]["Remove Profiles from List"]["requests"] == 1


def test_who_leaves_by_a_delete_marker_does_not_leave_by_the_mirror_too(pipeline):
    """A run has taken them off before it reads the list; a dry run, where they are still on it, counts them once."""
    mirror = {"sync_mode": "mirror", "mirror_scope": "all", "mirror_on_end_of_input": True, "max_removal_percent": 50}
    assert pipeline.run(rows(1, 2, 3, 4, 5))
    pipeline.clock.sleep(60)
    lines = [PEOPLE, deleted(1), person(2), person(3), state(2)]
    assert rehearse(pipeline, lines, **mirror), pipeline.error
    foretold = plan(pipeline)
    assert pipeline.run(lines, **mirror)
    assert pipeline.members().keys() == {"p2@x.io", "p3@x.io"}
    assert outcome(foretold) == outcome(pipeline.report)
    mirrored = foretold["streams"]["people"]["mirror"]
    assert (mirrored["members_before"], mirrored["leavers"], mirrored["removed"]) == (4, 2, 2)


def test_the_first_run_of_all_can_be_rehearsed(pipeline, caplog):
    """There is no ledger, and none is made; a list that is missing is not made either."""
    caplog.set_level("INFO")
    assert rehearse(pipeline, rows(1, 2), list_id=None, list_name="New", create_list=True)
    assert not [path.name for path in pipeline.work_dir.iterdir() if path.name.startswith("ledger")]
    assert plan(pipeline)["foretold"]["lists_to_create"] == [{"id": "new-01", "name": "New", "opt_in_process": None}]
    assert plan(pipeline)["lists_created"] == []
    assert "the list `New` (new-01, None) would be made for stream `people`" in caplog.messages


def test_what_a_crashed_run_left_is_told_and_left(pipeline):
    """Its people count as changed, for nobody knows what they have; the next run settles it as ever."""
    assert pipeline.run(rows(1, 2))
    ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    ledger.begin_run("crashed", connection="klaviyo", version="1")
    columns = {"emails": ["p1@x.io"], "numbers": [1], "fingerprints": [7], "keys": ["[1]"]}
    ledger.intend("crashed", stream="people", list_id=LIST, **columns)
    ledger.close()
    assert rehearse(pipeline, rows(1, 2), unchanged_profiles="skip")
    (warning,) = plan(pipeline)["warnings"]
    assert "run crashed broke off with 1 rows of its stream `people` under way" in warning
    assert plan(pipeline)["foretold"]["people"] == {"new": 0, "changed": 1, "due_again": 0, "unchanged": 1}
    assert not (pipeline.work_dir / "reports" / "crashed.json").exists()
    assert pipeline.run(rows(1, 2))
    crashed = json.loads((pipeline.work_dir / "reports" / "crashed.json").read_text())
    assert crashed["message"] == (
        f"the run was killed, or could not write its report; the run {pipeline.report['run_id']} asked Klaviyo what "
        "had become of the rows under way"
    )
    assert pipeline.report["warnings"] == [
        (
            "run crashed broke off: of its stream `people`, 0 rows under way had arrived, and 1 had not: "
            "they are not taken for delivered"
        )
    ]


def test_a_ledger_that_a_run_has_is_not_foretold_from(pipeline):
    """It is about to change. Nothing is asked of Klaviyo."""
    assert pipeline.run(rows(1))
    held = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    asked = len(pipeline.sandbox.requests)
    assert not pipeline.run(rows(1), dry_run=True)
    assert "in use by another run: process" in pipeline.error
    assert len(pipeline.sandbox.requests) == asked
    held.close()
    assert rehearse(pipeline, rows(1))


def test_a_damaged_ledger_is_told_of_and_left(pipeline):
    """A run would set it aside; everybody is new to the one that it begins."""
    assert pipeline.run(rows(1, 2))
    path = pipeline.work_dir / "ledger.sqlite3"
    path.write_bytes(path.read_bytes()[:100] + b"\7" * 3_000)
    assert rehearse(pipeline, rows(1, 2))
    (warning,) = [each for each in plan(pipeline)["warnings"] if "damaged" in each]
    assert "a run would set it aside and begin a new one" in warning
    assert plan(pipeline)["foretold"]["people"]["new"] == 2
    assert sorted(each.name for each in pipeline.work_dir.glob("ledger*")) == ["ledger.lock", "ledger.sqlite3"]


def test_who_may_not_run_may_not_rehearse(pipeline):
    """The gate is asked, and the notice: a dry run looks people up in Klaviyo by their addresses."""
    assert pipeline.run(rows(1))
    asked = len(pipeline.sandbox.requests)
    assert not rehearse(pipeline, rows(1), enabled=False)
    assert plan(pipeline)["status"] == "skipped"
    assert not pipeline.run(rows(1), dry_run=True, accept_data_privacy=False)
    assert "`accept_data_privacy` is not true" in pipeline.error
    assert len(pipeline.sandbox.requests) == asked


def test_a_dry_run_that_breaks_off_keeps_no_rows(pipeline, caplog):
    """They were never to be delivered by it; the rows before have their foretold fate."""
    caplog.set_level("INFO")
    assert not rehearse(pipeline, [*rows(1, 2), "this is no JSON"], batch_size_rows=1)
    assert plan(pipeline)["totals"]["delivered"] == 2
    assert any(line.endswith(": a run would fail") for line in caplog.messages)
    assert not rehearse(pipeline, [*rows(1), record(None), *rows(2)], on_invalid_record="fail")
    assert plan(pipeline)["totals"]["failed"] == 1
    assert plan(pipeline)["failed_file"] is None
    assert not list(pipeline.work_dir.glob("failed/*"))


def test_a_dry_run_that_is_stopped_says_so(pipeline, caplog):
    """It knows no more than it read; the process ends by the signal, as a run does."""
    caplog.set_level("INFO")
    stop = functools.partial(TargetKlaviyoSegments._handle_termination, signum=signal.SIGTERM, frame=None)
    assert not rehearse(pipeline, rows(1), begun=stop)
    assert "stopped by SIGTERM" in pipeline.error
    assert plan(pipeline)["status"] == "canceled"
    assert "it was stopped and knows no more than it read" in caplog.text
    assert "Dry run stopped" in (pipeline.work_dir / "plan.html").read_text()


def test_an_access_token_is_fetched_and_kept(pipeline):
    """Without it nothing can be read, and a refresh token that was used up must not be lost."""
    pipeline.sandbox.oauth.install("app", "s3cret", "first")
    pipeline.sandbox.oauth.rotates = True
    oauth = {"api_key": None, "oauth_client_id": "app", "oauth_client_secret": "s3cret", "oauth_refresh_token": "first"}
    assert pipeline.run(rows(1), dry_run=True, **oauth), pipeline.error
    assert {(each.method, each.path) for each in pipeline.sandbox.requests if each.method != "GET"} == {
        ("POST", "/oauth/token")
    }
    assert pipeline.members() == {}
    assert (pipeline.work_dir / "oauth.json").exists()


def test_a_check_asks_nothing_but_reads_either(pipeline):
    """What it does not ask is a note. Meltano's test stream is answered by the same."""
    stream = "meltano_test_stream"
    assert rehearse(pipeline, [schema(stream, id={}), record(stream=stream, id=1)]), pipeline.error
    findings = {each.about: each for each in inspect(pipeline.config(dry_run=True), pipeline.wires)}
    assert findings["scope lists:write"].verdict.value == "note"
    assert "`dry_run` is true" in findings["scope profiles:write"].words
    assert {each.verdict.value for each in findings.values()} <= {"ok", "note"}
    assert {entry.method for entry in pipeline.sandbox.requests} == {"GET"}


def test_the_command_and_the_variable(server, tmp_path):
    """`--dry-run`, or what Meltano sets; exit status 0, and nothing on stdout."""
    assert read_config((), {"TARGET_KLAVIYO_SEGMENTS_DRY_RUN": "true"}) == {"dry_run": True}
    lines = rows(1)
    done = command(lines, server.url, tmp_path, "--dry-run")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"a run would end well" in done.stderr
    assert server.sandbox.profiles == {}


def test_kept_rows_can_be_rehearsed(pipeline):
    """`--retry` in a dry run: what would become of them, once they are mended."""
    assert pipeline.run([PEOPLE, record("no address", id=1, tier="gold")])
    kept = pipeline.work_dir / "rejects" / f"{pipeline.report['run_id']}.jsonl"
    kept.write_text(kept.read_text().replace("no address", "p1@x.io"))
    source = Retry(pipeline.work_dir, pipeline.report["run_id"], lambda _: ["email"])
    assert rehearse(pipeline, source.read().decode())
    assert plan(pipeline)["totals"]["delivered"] == 1
    assert plan(pipeline)["foretold"]["streams"]["people"]["sample"] == [
        {"email": "x9@x.xx", "properties": {"id": "9", "tier": "xxxx"}}
    ]


def test_nothing_is_forgotten_while_dry_run_is_set(pipeline, tmp_path, capsys):
    """`forget --yes` only tells then: it would take people off lists, and remove who they were."""
    assert pipeline.run(rows(1))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(pipeline.config(dry_run=True)))
    before = everything(pipeline)
    assert main(["forget", "--config", str(path), "--yes"]) == 1
    assert "`dry_run` is true, so it is only told" in capsys.readouterr().out
    assert everything(pipeline) == before
