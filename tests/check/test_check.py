"""The check: everything that a run needs is looked at, nothing is written, and each line says what to do."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

import pytest
from pipeline import KEY, LIST, Pipeline, cold, command, record, schema, state

from target_klaviyo_segments.check import in_order, inspect
from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.sandbox.app import Response, Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer
from target_klaviyo_segments.target import TargetKlaviyoSegments

ALL = frozenset({"accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write", "usage:read"})


def look(pipeline, **settings):
    """Findings by what they are about."""
    found = list(inspect(pipeline.config(**settings), pipeline.wires))
    pipeline.clock.woken = False
    return {finding.about: finding for finding in found}


def verdicts(findings):
    return {about: finding.verdict.value for about, finding in findings.items()}


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(tmp_path)


def world(sandbox):
    """All that a request could have changed."""
    return sandbox.profiles, sandbox.jobs, sandbox.counts["members"], sorted(sandbox._account.lists.by_id)


def test_all_is_well_and_nothing_is_written(pipeline):
    """Every line is ok; in Klaviyo and on the disk everything is as it was."""
    assert pipeline.run([schema(), record("a@x.io")])
    files = {path: path.read_bytes() for path in pipeline.work_dir.rglob("*") if path.is_file()}
    before, asked = world(pipeline.sandbox), len(pipeline.sandbox.requests)
    found = look(pipeline, expected_account_id="SANDBX")
    assert set(verdicts(found).values()) == {"ok"}, found
    assert world(pipeline.sandbox) == before
    assert {path: path.read_bytes() for path in pipeline.work_dir.rglob("*") if path.is_file()} == files
    sent = pipeline.sandbox.requests[asked:]
    assert all(entry.status == 400 for entry in sent if entry.method != "GET")
    assert found["settings"].words == "they fit together; the connection is `klaviyo`"
    assert found["data privacy"].words == "accepted (`accept_data_privacy` is true)"
    assert found["user"].words.endswith(" may run it")
    assert found["work_dir"].words == f"{pipeline.work_dir} can be written"
    assert found["account"].words == "SANDBX `Sandbox Ltd`, as expected"
    assert found["scope lists:write"].words == (
        "granted; a request without content was refused for its content alone, and nothing was written"
    )
    assert found["plan"].words == "1 of 1,000,000 profiles are used"
    assert found[f"list {LIST}"].words == f"`People` ({LIST}), 1 profiles, single opt in, starts no flow"
    assert found["ledger"].words.startswith("1 runs, the last one successful; 1 people on lists")


def test_before_the_first_run(pipeline):
    """No folder and no ledger yet is in order, and the check makes neither."""
    found = look(pipeline)
    assert in_order(found.values())
    assert found["work_dir"].words == f"{pipeline.work_dir} can be written once it is made"
    assert found["ledger"].words == f"there is none yet; the first run makes {pipeline.work_dir / 'ledger.sqlite3'}"
    assert not pipeline.work_dir.exists()


def test_somebody_waits_for_the_check(pipeline):
    """A Klaviyo that is out of reach is told within half a minute, however long a run would try."""
    pipeline.sandbox.interceptors.append(lambda _request: Response(503))
    began = pipeline.clock.now()
    found = look(pipeline, retry_max_seconds=3600)
    assert "Klaviyo answers 503 to Get Accounts" in found["account"].words
    assert pipeline.clock.now() - began < 30


@pytest.mark.parametrize("words", ["is it there?", "It is not.", "it is not"])
def test_nothing_more_is_a_sentence_of_its_own(pipeline, words):
    """Whatever the one before ends with."""

    def refuse(_request):
        raise KlaviyoError(words)

    pipeline.sandbox.interceptors.append(refuse)
    told = look(pipeline)["account"].words
    assert told == words + ("." if words[-1] == "t" else "") + " Nothing more was asked"


FOLLOWS = {
    "accounts:read": {"account": "the key lacks accounts:read, so nobody knows whose it is. The scopes of a key are"},
    "lists:read": {f"list {LIST}": "without lists:read: give the new key that scope, then check again"},
    "lists:write": {
        "scope profiles:write": "told without lists:write, for both are needed at once: give the new key both"
    },
}


@pytest.mark.parametrize("missing", sorted(ALL - {"usage:read"}))
def test_a_missing_scope_is_told_by_name(tmp_path, missing):
    """That one, and of the others only what cannot be told without it: all of it is mended by a new key."""
    found = look(Pipeline(tmp_path, scopes=ALL - {missing}))
    assert found[f"scope {missing}"].words == (
        "missing. The scopes of a key are fixed when it is made: make a new one that has all of them"
    )
    follows = FOLLOWS.get(missing, {})
    wrong = {about for about, verdict in verdicts(found).items() if verdict != "ok"}
    assert wrong == {f"scope {missing}", *follows}
    assert {found[about].verdict.value for about in wrong} == {"todo"}
    for about, words in follows.items():
        assert words in found[about].words


def test_a_key_that_may_not_see_the_plan(tmp_path):
    """Runs go on without; what that costs is told."""
    found = look(Pipeline(tmp_path, scopes=ALL - {"usage:read"}))
    assert {about for about, verdict in verdicts(found).items() if verdict != "ok"} == {"scope usage:read"}
    assert found["scope usage:read"].verdict.value == "note"
    assert "the plan's room for profiles is not known" in found["scope usage:read"].words


def test_what_depends_on_a_scope_that_could_not_be_asked_for(pipeline):
    """Nobody knows the one, so nobody knows the other: no new key is asked for, since none may be needed."""
    pipeline.sandbox.interceptors.append(
        lambda request: Response(503, {}, b"") if request.path == "/api/lists" else None
    )
    found = look(pipeline, retry_max_seconds=0)
    unknown = {about for about, verdict in verdicts(found).items() if verdict == "unknown"}
    assert unknown == {"scope lists:read", "scope lists:write", "scope profiles:write", f"list {LIST}"}
    assert found[f"list {LIST}"].words == "cannot be looked at without lists:read"
    assert found["scope profiles:write"].words == "cannot be told without lists:write, for both are needed at once"


PAGE = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Response(400, PAGE, b"<html>"),
            "Klaviyo answers 400 to Create List: a web page, which is no answer of Klaviyo's",
        ),
        (
            Response(200, PAGE, b"<html>"),
            "Create List: a request without content was taken, which Klaviyo never does: ",
        ),
        (Response(204, {}, b""), "a proxy or a firewall answers in its place. Nothing was written"),
    ],
    ids=["refused", "taken", "silent"],
)
def test_what_a_proxy_answers_grants_no_scope_to_write(pipeline, answer, words):
    """It did not read the request's content, nor does it know the key."""
    pipeline.sandbox.interceptors.append(lambda request: answer if request.method == "POST" else None)
    found = look(pipeline)
    unknown = {about for about, verdict in verdicts(found).items() if verdict == "unknown"}
    assert unknown == {"scope lists:write", "scope profiles:write"}
    assert words in found["scope lists:write"].words


def test_what_a_proxy_answers_grants_no_scope_to_read(pipeline):
    """Its page is no list."""
    page = Response(200, PAGE, b"<html>")
    pipeline.sandbox.interceptors.append(lambda request: page if request.path == "/api/profiles" else None)
    found = look(pipeline)["scope profiles:read"]
    assert found.verdict.value == "unknown"
    assert "Klaviyo's answer is not what this endpoint gives" in found.words


def test_a_dry_run_asks_for_no_scope_to_write(pipeline):
    """It sends nothing but reads, so that is left open, and said."""
    found = look(pipeline, dry_run=True)
    noted = {about: each.words for about, each in found.items() if each.verdict.value == "note"}
    assert noted.keys() == {"scope lists:write", "scope profiles:write"}
    assert set(noted.values()) == {
        "not asked: `dry_run` is true, and then nothing but reads is sent; take it out to have this told"
    }
    assert all(entry.method == "GET" for entry in pipeline.sandbox.requests)


OFF = {"sync_mode": "suppress"}
CONSENT = {"subscribe_channels": ["email"], "consent_field": "optin"}


@pytest.mark.parametrize(
    ("settings", "scopes"),
    [
        (CONSENT, ALL | {"subscriptions:write"}),
        ({"segments": {"off": OFF, "people": {}}}, ALL | {"subscriptions:write", "subscriptions:read"}),
        ({"segments": {"off": OFF}}, {"accounts:read", "profiles:write", "subscriptions:write", "subscriptions:read"}),
        (
            {"segments": {"on": {"sync_mode": "unsuppress"}}},
            {"accounts:read", "subscriptions:write", "subscriptions:read"},
        ),
    ],
)
def test_consent_and_suppression_need_scopes_of_their_own(tmp_path, settings, scopes):
    """Those and no others are asked for; each missing one is told; nothing is written, and no list is looked for."""
    pipeline = Pipeline(tmp_path, scopes=frozenset(scopes), limits=False)
    before = world(pipeline.sandbox)
    found = look(pipeline, **settings)
    assert {about.removeprefix("scope ") for about in found if about.startswith("scope")} == scopes
    assert set(verdicts(found).values()) == {"ok"}, found
    for missing in scopes & {"subscriptions:write", "subscriptions:read"}:
        pipeline.sandbox.scopes = frozenset(scopes - {missing})
        assert look(pipeline, **settings)[f"scope {missing}"].verdict.value == "todo"
    assert world(pipeline.sandbox) == before
    assert pipeline.sandbox._account.suppressions._jobs == {}


def test_a_key_that_klaviyo_does_not_know(pipeline):
    """The key is told, and nothing more is asked with it."""
    found = look(pipeline, api_key="pk_other")
    assert found["account"].verdict.value == "todo"
    assert "it does not know the key; check `api_key`" in found["account"].words
    assert found["account"].words.endswith(". Nothing more was asked")
    assert [entry.status for entry in pipeline.sandbox.requests] == [401]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Response(410, {}, b""), "this `api_revision` is retired. Remove the setting, or upgrade"),
        (Response(302, {"Location": "https://x.io"}, b""), "a redirect, which is never followed: check `api_url`"),
        (Response(407, {}, b""), "put a user and a password that it takes into the environment variable HTTPS_PROXY"),
    ],
    ids=["retired", "moved", "proxy"],
)
def test_an_answer_that_says_what_is_set_wrongly(pipeline, answer, words):
    """It says what to do, so it is to be done."""
    pipeline.sandbox.interceptors.append(lambda _: answer)
    found = look(pipeline)["account"]
    assert found.verdict.value == "todo"
    assert words in found.words


def test_another_account(pipeline):
    """The wrong account is told with both ids, and nothing more is asked of it."""
    found = look(pipeline, expected_account_id="OTHER1")
    assert found["account"].verdict.value == "todo"
    assert found["account"].words == (
        "the key belongs to SANDBX `Sandbox Ltd`, and `expected_account_id` is OTHER1: put the right key, or the right "
        "id"
    )
    assert len(pipeline.sandbox.requests) == 1


def test_lists(pipeline):
    """Each list of the settings by itself: one that is not there does not hide the others."""
    pipeline.sandbox.add_list("Double", "Twice", "double_opt_in")
    segments = {"a": {"list_id": "Double"}, "b": {"list_id": "Nobody"}, "c": {}, "d": {}}
    found = look(pipeline, segments=segments)
    assert found["list Double"].words == "`Twice` (Double), 0 profiles, double opt in, starts no flow"
    assert found["list Nobody"].verdict.value == "todo"
    assert (
        found["list Nobody"].words
        == "this account has no such list; check `list_id`, or give the list's name as `list_name`"
    )
    assert found[f"list {LIST}"].verdict.value == "ok"


def test_flows_that_a_list_starts_are_named(pipeline):
    """Live ones; drafts do nothing."""
    pipeline.sandbox.hang_flow(LIST, "Welcome")
    pipeline.sandbox.hang_flow(LIST, "Some day", "draft")
    found = look(pipeline)[f"list {LIST}"]
    assert found.verdict.value == "note"
    assert found.words.endswith("; whoever joins it may start the flows `Welcome`")


def test_what_a_list_does_not_tell(pipeline):
    """A key without a scope for flows, and a size that is not told: the list is in order all the same."""

    def reticent(request):
        if "flow" in request.query:
            return Response(403, {"Content-Type": "application/json"}, b"{}")
        sized = json.dumps({"data": {"id": LIST, "attributes": {"name": "People"}}}).encode()
        return Response(200, {"Content-Type": "application/json"}, sized) if "profile_count" in request.query else None

    pipeline.sandbox.interceptors.append(reticent)
    found = look(pipeline)[f"list {LIST}"]
    assert found.verdict.value == "ok"
    assert found.words == (
        f"`People` ({LIST}), an unknown number of profiles, single opt in, the key may not see flows"
    )


def test_lists_by_name(pipeline):
    """One of the name, none that would be made, none that would not, and two."""
    pipeline.sandbox.add_list("First1", "Twins")
    pipeline.sandbox.add_list("Second", "Twins")
    names = {"People": False, "New": True, "Nobody": False, "Twins": True}
    segments = {name: {"list_name": name, "create_list": made} for name, made in names.items()}
    found = look(pipeline, segments=segments)
    assert verdicts(found).items() >= {
        ("list People", "ok"),
        ("list New", "ok"),
        ("list Nobody", "todo"),
        ("list Twins", "todo"),
    }
    assert found["list Twins"].words == (
        "2 lists of this account have that name: First1, Second. Give the ID of the right one as `list_id`"
    )
    assert found["list New"].words == "there is none yet; the first person makes it (`create_list` is true)"
    assert found["list Nobody"].words.startswith(
        "this account has no list of that name. Correct it, or set `create_list`"
    )


def test_settings_come_first(pipeline):
    """Every problem of the settings, and not one request before they are right."""
    found = list(inspect(pipeline.config(accept_data_privacy=False, emal_field="x"), pipeline.wires))
    assert [finding.about for finding in found] == ["settings", "data privacy", "Klaviyo"]
    assert found[-1].words == "not asked: the settings come first"
    assert not in_order(found)
    assert pipeline.sandbox.requests == []


@pytest.mark.parametrize("settings", [{"enabled": False}, {"allowed_users": ["nobody-at-all"]}])
def test_who_may_not(pipeline, settings):
    """A connection that may not be used now is not used for a check either."""
    found = look(pipeline, **settings)
    assert found["user"].verdict.value == "todo"
    assert found["Klaviyo"].words == "not asked: this connection may not be used now"
    assert pipeline.sandbox.requests == []


@pytest.mark.parametrize(
    ("revision", "verdict", "words"),
    [
        ("2026-07-15", "ok", ", 68 days old: stable until 2027-07-15, live until 2028-07-15"),
        (
            "2025-07-15",
            "note",
            " is deprecated, and retired on 2027-07-15: remove the setting, or upgrade this program",
        ),
        ("2024-02-29", "todo", " is retired since 2026-02-28. Remove the setting, or upgrade this program"),
        ("2026-07-15.pre", "note", " is a beta, which Klaviyo may change at any time"),
        ("2026-13-45", "todo", " is no date. Remove the setting"),
    ],
)
def test_revision(pipeline, revision, verdict, words):
    """Stable for a year, deprecated for another, then retired."""
    found = look(pipeline, api_revision=revision)["revision"]  # the pipeline's clock says 2026-09-21
    assert found.verdict.value == verdict
    assert found.words.endswith(revision + words)


def test_work_dir_that_is_a_file(pipeline, tmp_path):
    """Where a run could not write is told before a run."""
    (tmp_path / "file").write_text("")
    found = look(pipeline, work_dir=str(tmp_path / "file" / "inside"))["work_dir"]
    assert found.verdict.value == "todo"
    assert found.words == (
        f"{tmp_path / 'file'} cannot be written: it is no folder. Make it writable, or set `work_dir` to another folder"
    )


def test_ledger_that_a_run_has(pipeline):
    """Who has it is told, and the run keeps it: looking at it takes nothing away."""
    from target_klaviyo_segments.ledger import Ledger  # noqa: PLC0415  # this test alone

    pipeline.work_dir.mkdir()
    ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    ledger.begin_run("r1", connection="klaviyo", version="1")
    found = look(pipeline)["ledger"]
    assert found.verdict.value == "note"
    assert found.words.startswith("a run has it at this moment (process ")
    assert found.words.endswith("): wait until it ends before you start another")
    ledger.end_run("r1", "successful", {})
    ledger.close()
    assert look(pipeline)["ledger"].verdict.value == "ok"


def test_ledger_of_a_run_that_was_killed(pipeline):
    """What it left is nothing to do about: the next run asks."""
    from target_klaviyo_segments.ledger import Ledger  # noqa: PLC0415  # this test and another

    pipeline.work_dir.mkdir()
    ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    ledger.begin_run("r1", connection="klaviyo", version="1")
    columns = {"emails": ["p1@x.io"], "numbers": [1], "fingerprints": [7], "keys": ["[1]"]}
    ledger.intend("r1", stream="people", list_id=LIST, **columns)
    ledger.close()
    assert look(pipeline)["ledger"].line == (
        "ok      ledger: 1 runs, the last one not ended; 0 people on lists; 1 batches are under way, which the next "
        "run asks about"
    )


@pytest.mark.parametrize("content", [b"not a ledger", b"SQLite format 3\0" + b"x" * 200])
def test_ledger_that_is_none(pipeline, content):
    """A file that is not ours is told and left as it is."""
    pipeline.work_dir.mkdir()
    (pipeline.work_dir / "ledger.sqlite3").write_bytes(content)
    assert look(pipeline)["ledger"].verdict.value == "todo"
    assert (pipeline.work_dir / "ledger.sqlite3").read_bytes() == content


def test_damaged_ledger_is_told_and_kept(pipeline):
    """The check does not set it aside: the next run does, and says so."""
    assert pipeline.run([schema(), record("a@x.io")])
    path = pipeline.work_dir / "ledger.sqlite3"
    content = path.read_bytes()[:100] + b"\xff" * (len(path.read_bytes()) - 100)
    path.write_bytes(content)
    found = look(pipeline)["ledger"]
    assert found.verdict.value == "todo"
    assert "damaged" in found.words
    assert path.read_bytes() == content


def test_klaviyo_out_of_reach(pipeline):
    """No answer is no ok: each thing that could not be looked at says so."""
    pipeline.sandbox.interceptors.append(lambda _: Response(503, {}, b""))
    found = look(pipeline, retry_max_seconds=0)
    assert found["account"].verdict.value == "unknown"
    assert not in_order(found.values())


def test_a_plan_that_is_full_or_names_nothing(tmp_path):
    """What is left in the plan."""
    assert look(Pipeline(tmp_path, plan_profiles=(10, 10)))["plan"].verdict.value == "note"
    assert look(Pipeline(tmp_path, plan_profiles=None))["plan"].words == "names no limit of profiles"


MELTANO_TEST = [
    schema("meltano_test_stream", ["id"], id={"type": "integer"}, name={"type": "string"}),
    {"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": 1, "name": "Meltano Test Record"}},
    state({"bookmarks": {"meltano_test_stream": {"last_record": 1}}}),
    {"type": "ACTIVATE_VERSION", "stream": "meltano_test_stream", "version": 1},
]


def test_meltanos_test_stream_is_a_check(pipeline, caplog):
    """It has no e-mail and is no segment: Klaviyo is asked whether all is well, and no log line looks like trouble."""
    before = world(pipeline.sandbox)
    caplog.set_level(logging.INFO, logger=TargetKlaviyoSegments.logger.name)
    assert pipeline.run(MELTANO_TEST)
    assert world(pipeline.sandbox) == before
    assert pipeline.totals["filtered"] == pipeline.totals["read"] == 1
    pipeline.assert_balanced()
    told = caplog.text.lower()
    assert "scope lists:write" in told
    said = " ".join(each.getMessage().lower() for each in caplog.records)
    assert "error" not in said
    assert "exception" not in said


def test_meltanos_test_stream_finds_what_is_wrong(tmp_path):
    """Exit status 1 and every reason."""
    pipeline = Pipeline(tmp_path, scopes=ALL - {"profiles:read", "lists:write"})
    assert not pipeline.run(MELTANO_TEST)
    assert "scope profiles:read" in pipeline.error
    assert "scope lists:write" in pipeline.error


def test_a_segment_of_that_name_is_exported(pipeline):
    """Who names a segment so means it."""
    lines = [schema("meltano_test_stream"), record("a@x.io", "meltano_test_stream")]
    assert pipeline.run(lines, segments={"meltano_test_stream": {}})
    assert list(pipeline.members()) == ["a@x.io"]


def test_the_command(tmp_path):
    """`--check --json` as Meltano's command has it, with settings from the environment: a document and a status."""
    sandbox = Sandbox(scopes=ALL - {"lists:read"}, limits=False)
    sandbox.add_list(LIST, "People")
    with SandboxServer(sandbox) as server:
        done = command([], server.url, tmp_path, "--check", "--json")
    assert json.loads(done.stdout)["connection"] == "klaviyo"  # as it is where nothing is set
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert {"about": "scope lists:read", "verdict": "todo"}.items() <= next(
        each for each in document["checks"] if each["about"] == "scope lists:read"
    ).items()
    assert KEY not in done.stdout.decode() + done.stderr.decode()
    assert not (tmp_path / "work").exists()


def test_each_finding_is_one_line(pipeline):
    """Whatever a list is called."""
    pipeline.sandbox.add_list("Broken", "two\nlines")
    found = look(pipeline, list_id="Broken")["list Broken"]
    assert "\n" not in found.line
    assert asdict(found)["words"].startswith("`two\nlines`")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict"])
def test_names_that_stdout_has_no_letters_for(tmp_path, encoding):
    """On a Latin-1 or ASCII terminal they are escaped, as the log does it; the document is JSON in any case."""
    sandbox = Sandbox(limits=False)
    sandbox.add_list(LIST, "Läden 🎉")
    with SandboxServer(sandbox) as server:
        given = {"connection_name": "Läden 🎉", "environment": {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}}
        lines, whole = (cold([], server.url, tmp_path, *each, **given) for each in (["--check"], ["--check", "--json"]))
    assert (lines.returncode, whole.returncode) == (0, 0), lines.stderr + whole.stderr
    assert b"\\U0001f389" in lines.stdout
    assert json.loads(whole.stdout)["connection"] == "Läden 🎉"
