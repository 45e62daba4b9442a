"""Who the connection is, what it leaves behind, and how it is removed."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import closing

import forks
import pytest
from checkout import ROOT
from pipeline import KEY, LIST, Pipeline, record, schema
from shop import in_meta

from target_klaviyo_segments import config as configuration
from target_klaviyo_segments.check import in_order, inspect
from target_klaviyo_segments.cli import main
from target_klaviyo_segments.errors import TargetError
from target_klaviyo_segments.forgetting import _remove, carry_out
from target_klaviyo_segments.klaviyo.oauth import TOKEN
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.sandbox.app import Response
from target_klaviyo_segments.target import TargetKlaviyoSegments

PEOPLE = [schema(), record("a@x.io"), record("b@x.io")]
OAUTH = {"api_key": None, "oauth_client_id": "app", "oauth_client_secret": "s3cret", "oauth_refresh_token": "first"}


@pytest.fixture
def pipeline(tmp_path):
    made = Pipeline(tmp_path)
    made.sandbox.oauth.install("app", "s3cret", "first")
    return made


def tokens_asked(pipeline):
    return sum(entry.path == "/oauth/token" for entry in pipeline.sandbox.requests)


def test_key_from_a_file(pipeline, tmp_path):
    """Space around it does not count; nothing of it is in the report."""
    path = tmp_path / "key"
    path.write_text(f"\n {KEY} \n")
    assert pipeline.run(PEOPLE, api_key=None, api_key_file=str(path))
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    assert KEY not in json.dumps(pipeline.report)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "the key file {} (`api_key_file`) cannot be read: No such file or directory"),
        (b"\xff", "the key file {} (`api_key_file`) is not UTF-8 text: put the key alone into it"),
        (b" \n", "`api_key_file` is empty or has a space, a line break or a letter that no key has: copy it again"),
    ],
)
def test_key_file_that_holds_no_key(pipeline, tmp_path, content, words):
    """Told with the setting; nothing is sent."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    assert not pipeline.run(PEOPLE, api_key=None, api_key_file=str(path))
    assert pipeline.error == words.format(path)
    assert pipeline.sandbox.requests == []


def test_key_file_that_others_can_read(tmp_path):
    """It is named, and one of its owner's alone is not."""
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o644)
    assert configuration.exposed_key({"api_key_file": str(path)}) == str(path)
    path.chmod(0o600)
    assert configuration.exposed_key({"api_key_file": str(path)}) is None


def test_config_file_that_others_can_read(tmp_path):
    """Told when it holds a secret; not where Meltano wrote it for itself, for nobody can mend that."""
    path, theirs = tmp_path / "config.json", tmp_path / ".meltano" / "run" / "target.1f.config.json"
    theirs.parent.mkdir(parents=True)
    meltano = {"SINGER_SDK_LOG_CONFIG": str(theirs.parent / "target.1f.singer_sdk_logging.json")}
    for file in (path, theirs):
        file.write_text(json.dumps({"api_key": "pk_0123456789abcdef"}))
        file.chmod(0o644)
    assert list(configuration.exposed([str(path), "ENV", str(theirs)], meltano)) == [str(path)]
    assert list(configuration.exposed([str(path), str(theirs)], {})) == [str(path), str(theirs)]
    path.write_text(json.dumps({"list_id": "Y6nRLr", "api_key": "pk_sandbox_0123"}))
    theirs.chmod(0o600)
    assert list(configuration.exposed([str(path), str(theirs)], {})) == []


def test_the_command_warns_of_files_that_others_can_read(tmp_path, caplog):
    """Also where the settings are refused: each with the command that mends it."""
    path, key = tmp_path / "config.json", tmp_path / "key"
    key.write_text(KEY)
    path.write_text(json.dumps({"oauth_client_secret": "s3cret", "api_key_file": str(key)}))
    for file in (path, key):
        file.chmod(0o644)
    assert main(["--config", str(path), "--check"]) == 1
    assert caplog.messages == [
        f"the config file {path} holds a secret and others can read it: chmod 600 {path}",
        f"the key file {key} can be read by others: chmod 600 {key}",
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key": None}, "`api_key_file`, or the three `oauth_*` settings"),
        ({"api_key_file": "key"}, "`api_key` and `api_key_file` are two ways"),
        ({**OAUTH, "oauth_client_secret": None}, "`oauth_client_secret` is missing: OAuth needs all three of"),
        ({**OAUTH, "api_key": KEY}, "`api_key` and `oauth_client_id` are two ways to be known to Klaviyo: keep one"),
    ],
)
def test_exactly_one_way(pipeline, settings, words):
    """None, two, or a part of one are refused in words."""
    with pytest.raises(TargetError) as refused:
        TargetKlaviyoSegments(config=pipeline.config(**settings))
    assert words in str(refused.value)


def test_oauth_delivers_with_one_token(pipeline):
    """One request for a token serves the whole run."""
    assert pipeline.run(PEOPLE, **OAUTH)
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    assert tokens_asked(pipeline) == 1
    assert not (pipeline.work_dir / "oauth.json").exists()


def test_oauth_token_that_expires_is_fetched_before(pipeline):
    """The run outlasts its token, and Klaviyo never sees an old one."""
    pipeline.sandbox.oauth.lifetime_seconds = 300
    pipeline.sandbox.job_seconds = 900
    assert pipeline.run(PEOPLE, **OAUTH)
    assert tokens_asked(pipeline) > 1
    assert all(entry.status != 401 for entry in pipeline.sandbox.requests)


def test_oauth_token_that_klaviyo_forgets(pipeline):
    """A 401 is answered by one new token and the same request again."""
    forgotten = []

    def forget_once(request):
        if not forgotten and request.path == f"/api/lists/{LIST}":
            forgotten.append(pipeline.sandbox.access_tokens.clear())

    pipeline.sandbox.interceptors.append(forget_once)
    assert pipeline.run(PEOPLE, **OAUTH)
    assert tokens_asked(pipeline) == 2
    assert [entry.status for entry in pipeline.sandbox.requests].count(401) == 1


def test_oauth_401_that_stays_ends_the_run(pipeline):
    """One new token and one more try, not a circle."""
    pipeline.sandbox.interceptors.append(lambda request: Response(401) if "accounts" in request.path else None)
    assert not pipeline.run(PEOPLE, **OAUTH)
    assert tokens_asked(pipeline) == 2


def test_rotated_refresh_token_is_kept_for_its_owner_alone(pipeline):
    """The next run uses it: the configured one is worth nothing by then."""
    pipeline.sandbox.oauth.rotates = True
    assert pipeline.run(PEOPLE, **OAUTH)
    assert (pipeline.work_dir / "oauth.json").stat().st_mode & 0o777 == 0o600
    assert pipeline.run(PEOPLE, **OAUTH)


def test_a_check_keeps_a_rotated_token_and_nothing_else(pipeline):
    """As its documents say: the configured one is worth nothing by then."""
    pipeline.sandbox.oauth.rotates = True
    assert in_order(list(inspect(pipeline.config(**OAUTH), pipeline.wires)))
    assert [path.name for path in pipeline.work_dir.iterdir()] == ["oauth.json"]
    told = " ".join((ROOT / "README.md").read_text().split())
    assert "with OAuth the refresh token that Klaviyo gives in place of the one before is kept in `work_dir`" in told
    assert pipeline.run(PEOPLE, **OAUTH)


@pytest.mark.parametrize("kept", ["{x", "[]", "{}", "[" * 100_000])
def test_a_kept_token_that_is_damaged_is_told_of(pipeline, kept):
    """The configured one, which is tried then, may be worth nothing since."""
    pipeline.sandbox.oauth.rotates = True
    assert pipeline.run(PEOPLE, **OAUTH)
    path = pipeline.work_dir / "oauth.json"
    path.write_text(kept)
    assert not pipeline.run(PEOPLE, **OAUTH)
    assert pipeline.error.startswith("Klaviyo gives no access token (invalid_grant)")
    assert pipeline.error.endswith(f". The last refresh token, which is kept in {path}, cannot be read")


def test_a_new_configured_token_outranks_what_is_kept(pipeline):
    """Who sets another one means it."""
    pipeline.sandbox.oauth.rotates = True
    assert pipeline.run(PEOPLE, **OAUTH)
    pipeline.sandbox.oauth.uninstall()
    assert not pipeline.run(PEOPLE, **OAUTH)
    assert pipeline.error == (
        "Klaviyo gives no access token (invalid_grant). With `invalid_client`, check `oauth_client_id` and "
        "`oauth_client_secret`; else the refresh token was revoked or unused for 90 days: let the account's owner "
        "install the app again and set `oauth_refresh_token` to the new one"
    )
    pipeline.sandbox.oauth.install("app", "s3cret", "second")
    assert pipeline.run(PEOPLE, **(OAUTH | {"oauth_refresh_token": "second"}))


def test_oauth_secrets_are_nowhere(pipeline):
    """A wrong client secret: refused, and neither it nor a token in what is left behind."""
    assert not pipeline.run(PEOPLE, **(OAUTH | {"oauth_client_secret": "wr0ng"}))
    assert "Klaviyo gives no access token (invalid_client)" in pipeline.error
    left = "".join(path.read_text(errors="replace") for path in pipeline.work_dir.rglob("*") if path.is_file())
    assert "wr0ng" not in left + pipeline.error


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Response(200, {}, b"<html>"), f"Klaviyo's answer to {TOKEN.name} is no token: DecodeError"),
        (Response(200, {}, b'{"access_token": "a b", "expires_in": 1}'), "is no token that can be sent"),
        (Response(503, {}, b""), f"Klaviyo answers 503 to {TOKEN.name}"),
        (Response(400, {}, b"<html>"), "Klaviyo gives no access token (no reason given)"),
        (Response(400, {}, b'{"error": "a@x.io"}'), "Klaviyo gives no access token (no reason given)"),
    ],
    ids=["page", "blank", "out", "wordless", "odd"],
)
def test_oauth_answers_that_are_none(pipeline, answer, words):
    """Nothing is sent with what is no token; what came is told without its text."""
    pipeline.sandbox.interceptors.append(lambda request: answer if request.path == "/oauth/token" else None)
    assert not pipeline.run(PEOPLE, **OAUTH, retry_max_seconds=0)
    assert words in pipeline.error
    assert pipeline.sandbox.profiles == {}


PAGE = b"<html><title>Just a moment...</title></html>"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Response(403, {"cf-mitigated": "challenge", "Retry-After": "7"}, PAGE), "403"),
        (Response(401, {"Content-Type": "text/html; charset=utf-8", "Retry-After": "7"}, PAGE), "401"),
        (Response(400, {"Content-Type": "text/html", "Retry-After": "7"}, PAGE), "400"),
        (Response(429, {"Retry-After": "7"}, b"{}"), "429"),
        (Response(503, {"Retry-After": "7"}, b""), "503"),
    ],
    ids=["challenge", "page_401", "page_400", "throttled", "out"],
)
def test_oauth_answers_that_pass(pipeline, answer, told):
    """A page of a proxy says nothing of app and token, nor does a 429: asked again when it was told, never sooner."""
    answers = [answer]
    pipeline.sandbox.interceptors.append(
        lambda request: answers.pop() if answers and request.path == "/oauth/token" else None
    )
    assert pipeline.run(PEOPLE, **OAUTH)
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    refused, granted = [entry for entry in pipeline.sandbox.requests if entry.path == "/oauth/token"]
    assert (str(refused.status), granted.status) == (told, 200)
    assert granted.at - refused.at >= 7


def test_oauth_page_that_stays(pipeline):
    """Nobody is sent to install the app again: nothing was revoked."""
    page = Response(403, {"Content-Type": "text/html"}, PAGE)
    pipeline.sandbox.interceptors.append(lambda request: page if request.path == "/oauth/token" else None)
    assert not pipeline.run(PEOPLE, **OAUTH, retry_max_seconds=0)
    assert pipeline.error.endswith(f"Klaviyo answers 403 to {TOKEN.name} with a web page: a proxy's, not Klaviyo's own")
    assert pipeline.sandbox.profiles == {}


def test_a_refresh_token_that_cannot_be_kept(pipeline):
    """The old one may be worth nothing by now, so the run says how to go on."""
    pipeline.sandbox.oauth.rotates = True
    (pipeline.work_dir / "oauth.json" / "in-the-way").mkdir(parents=True)
    assert not pipeline.run(PEOPLE, **OAUTH)
    assert pipeline.error.startswith(
        f"the refresh token that Klaviyo gave cannot be kept in {pipeline.work_dir / 'oauth.json'}: "
    )
    assert "Make the folder writable; if the next run is refused, install the app again" in pipeline.error
    assert pipeline.sandbox.profiles == {}


def test_an_acceptance_that_cannot_be_noted(pipeline):
    """Nobody's data goes out before it is."""
    path = pipeline.work_dir / "data_privacy.json"
    (path / "in-the-way").mkdir(parents=True)
    assert not pipeline.run(PEOPLE)
    assert pipeline.error.startswith(f"{path} cannot be written: ")
    assert pipeline.error.endswith(". Nothing was read or sent; make room, or make it writable")
    assert pipeline.sandbox.profiles == {}


def test_who_accepted_and_since_when(pipeline):
    """The first run's user and time, in every report after it; another connection has its own."""
    assert pipeline.run(PEOPLE)
    first = pipeline.report["data_privacy"]
    assert first == {"accepted": True, "by": pipeline.report["user"], "since": pipeline.report["started_at"]}
    assert pipeline.run(PEOPLE)
    assert pipeline.report["data_privacy"] == first
    assert pipeline.run(PEOPLE, connection_name="other")
    assert pipeline.report["data_privacy"]["since"] == pipeline.report["started_at"]


@pytest.fixture
def _usual_umask():
    theirs = os.umask(0o022)
    yield
    os.umask(theirs)


@pytest.mark.usefixtures("_usual_umask")
def test_who_may_read_what_runs_leave(pipeline):
    """Each file, pages that `report` makes too, is in the table of docs/operations.md, for whom it says."""
    pipeline.sandbox.oauth.rotates = True
    assert pipeline.run(PEOPLE, dry_run=True)
    pipeline.sandbox.cancel_jobs(1)
    assert not pipeline.run([*PEOPLE, record("nobody")], **OAUTH, alert_webhook_url="http://127.0.0.1:9/hook")
    for arguments in (["--rows"], [pipeline.report["run_id"]]):
        assert main(["report", "--work-dir", str(pipeline.work_dir), *arguments]) == 0
    _, table = (ROOT / "docs" / "operations.md").read_text().split("## Where everything is", 1)
    rows = [row.split("|")[1:-1] for row in table.split("##", 1)[0].splitlines() if row.startswith("| `")]
    for_whom = {name.replace("{run_id}", "*"): whom for names, _, whom in rows for name in re.findall("`(.+?)`", names)}
    found = [path for path in pipeline.work_dir.rglob("*") if path.is_file()]
    assert {"failed", "rejects", "reports"} <= {path.parent.name for path in found}
    for path in found:
        (whom,) = [whom for name, whom in for_whom.items() if path.relative_to(pipeline.work_dir).match(name)]
        assert (path.stat().st_mode & 0o077 == 0) == ("its owner" in whom), path
    assert all(path.stat().st_mode & 0o077 == 0 for path in [pipeline.work_dir, *(each.parent for each in found)])


def forget(pipeline, *, empty=False, yes=True, **settings):
    try:
        return list(carry_out(pipeline.config(**settings), pipeline.wires, and_empty_list=empty, yes=yes))
    finally:
        pipeline.clock.woken = False


def test_forget_leaves_nothing_of_ours_and_all_of_others(pipeline):
    """Ledger, reports and rejects go; a note that somebody keeps there stays, and so does the list."""
    assert pipeline.run([*PEOPLE, record("nobody")])
    (pipeline.work_dir / "notes.txt").write_text("mine")
    forget(pipeline)
    assert [path.name for path in pipeline.work_dir.rglob("*")] == ["notes.txt"]
    assert len(pipeline.members()) == 2
    (pipeline.work_dir / "notes.txt").unlink()
    assert pipeline.run(PEOPLE)
    forget(pipeline)
    assert not pipeline.work_dir.exists()


def test_forget_takes_the_pages_of_rejected_rows_too(pipeline, tmp_path):
    """Of any run, and a draft of one: they hold people's data."""
    assert pipeline.run([*PEOPLE, record("nobody")])
    run_id = pipeline.report["run_id"]
    for arguments in (["--rows"], [run_id], ["--rows", run_id]):
        assert main(["report", "--work-dir", str(pipeline.work_dir), *arguments]) == 0
    (pipeline.work_dir / "rejects" / f"{run_id}.html.draft").touch()
    forget(pipeline)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("closed", [".", "rejects"])
def test_forget_by_a_user_who_may_not_look(pipeline, tmp_path, closed):
    """What cannot be seen is not gone: told so, with exit status 1, and all stays."""
    assert pipeline.run([*PEOPLE, record("nobody")])
    before = sorted(path.name for path in pipeline.work_dir.rglob("*"))
    (tmp_path / "config.json").write_text(json.dumps({"work_dir": "work"}))
    for folder in (tmp_path, pipeline.work_dir):
        folder.chmod(0o755)
    (pipeline.work_dir / closed).chmod(0)
    try:
        done = forks.run(["forget", "--config", "config.json", "--yes"], cwd=tmp_path, lowly=True)
    finally:
        (pipeline.work_dir / closed).chmod(0o700)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().endswith(
        "the folder work/rejects cannot be looked into: Permission denied. Nothing was forgotten; run it as the user "
        "who ran the exports\n"
    )
    assert sorted(path.name for path in pipeline.work_dir.rglob("*")) == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"workdir": "elsewhere"}, "there is no setting `workdir`; did you mean `work_dir`?"),
        ({"work_dir": 5}, "`work_dir` must be text"),
        ({"work_dir": " "}, "`work_dir` is empty"),
        ({"dry_run": "yes"}, "`dry_run` must be true or false"),
    ],
)
@pytest.mark.parametrize("arguments", [["forget", "--yes"], ["report"]])
def test_commands_that_look_into_the_folder_look_at_its_setting(tmp_path, settings, words, arguments):
    """By a misspelt one they would take the default folder: what another connection left there stays."""
    theirs = Pipeline(tmp_path)
    theirs.work_dir = tmp_path / ".target-klaviyo-segments"
    assert theirs.run(PEOPLE)
    before = {path: path.read_bytes() for path in theirs.work_dir.rglob("*") if path.is_file()}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    done = forks.run([arguments[0], "--config", "config.json", *arguments[1:]], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines()[-1].endswith(words)
    assert "Traceback" not in done.stderr.decode()
    assert {path: path.read_bytes() for path in theirs.work_dir.rglob("*") if path.is_file()} == before


def test_forget_tells_first(pipeline):
    """Without `--yes` nothing is changed, here or there."""
    assert pipeline.run(PEOPLE)
    before = sorted(path.name for path in pipeline.work_dir.rglob("*"))
    lines = forget(pipeline, empty=True, yes=False)
    assert lines[0] == f"list {LIST} of Sandbox Ltd: 2 people would be taken off"
    files = sum(path.is_file() for path in pipeline.work_dir.rglob("*"))
    assert lines[1] == f"{pipeline.work_dir}: {files} files would be removed; add --yes to do it"
    assert sorted(path.name for path in pipeline.work_dir.rglob("*")) == before
    assert len(pipeline.members()) == 2


def test_forget_empties_the_list_of_those_we_put_there(pipeline):
    """Others stay on it, and everybody stays in the account."""
    assert pipeline.run(PEOPLE)
    other = Pipeline(pipeline.work_dir.parent / "other")
    other.sandbox, other.clock = pipeline.sandbox, pipeline.clock
    (pipeline.work_dir.parent / "other").mkdir()
    assert other.run([schema(), record("c@x.io")])
    files = sum(path.is_file() for path in pipeline.work_dir.rglob("*"))
    lines = forget(pipeline, empty=True)
    assert lines[0] == f"list {LIST} of Sandbox Ltd: 2 people taken off, 0 were gone already"
    assert lines[1] == f"{pipeline.work_dir}: {files} files removed"
    assert set(pipeline.members()) == {"c@x.io"}
    assert set(pipeline.sandbox.profiles) == {"a@x.io", "b@x.io", "c@x.io"}
    assert not pipeline.work_dir.exists()


def test_forget_keeps_all_when_klaviyo_does_not_do_it(pipeline):
    """Or nobody would know whom to take off at the second try."""
    assert pipeline.run(PEOPLE)
    pipeline.sandbox.interceptors.append(lambda request: Response(500) if request.method == "DELETE" else None)
    with pytest.raises(TargetError):
        forget(pipeline, empty=True, retry_max_seconds=0)
    pipeline.sandbox.interceptors.clear()
    forget(pipeline, empty=True)
    assert pipeline.members() == {}


def test_forget_of_another_account(pipeline):
    """The key is another account's: its lists are left alone, and so is what we know."""
    assert pipeline.run(PEOPLE)
    with pytest.raises(TargetError) as refused:
        forget(pipeline, empty=True, expected_account_id="OTHER1")
    assert str(refused.value) == (
        "the key belongs to the account SANDBX, and `expected_account_id` is OTHER1: nothing was forgotten. "
        "Put the right key, or the right id"
    )
    assert len(pipeline.members()) == 2
    assert (pipeline.work_dir / "ledger.sqlite3").exists()


def without(*lists):
    """An account that has no such lists."""
    told = {"errors": [{"id": "1", "status": 404, "code": "not_found", "title": "Not found.", "detail": "No list."}]}
    gone = Response(404, {"Content-Type": "application/json"}, json.dumps(told).encode())
    return lambda request: gone if any(f"/api/lists/{each}" in request.path for each in lists) else None


def test_forget_with_the_key_of_another_account(pipeline):
    """Where no `expected_account_id` says so, its lists do: there is none of ours."""
    assert pipeline.run(PEOPLE)
    pipeline.sandbox.interceptors.append(without(LIST))
    with pytest.raises(TargetError) as refused:
        forget(pipeline, empty=True)
    assert str(refused.value) == (
        "none of the lists of this connection is in the account SANDBX of the key: nothing was forgotten. "
        "Put the right key; if they were all deleted, leave out `--and-empty-list`"
    )
    assert (pipeline.work_dir / "ledger.sqlite3").exists()
    pipeline.sandbox.interceptors.clear()
    forget(pipeline, empty=True)
    assert pipeline.members() == {}


def test_forget_when_one_of_the_lists_is_gone(pipeline):
    """The others are emptied."""
    pipeline.sandbox.add_list("GONE01", "Gone")
    assert pipeline.run(PEOPLE, list_id="GONE01")
    assert pipeline.run(PEOPLE)
    pipeline.sandbox.interceptors.append(without("GONE01"))
    lines = forget(pipeline, empty=True)
    assert "list GONE01 is not in Sandbox Ltd any more: nobody is on it" in lines
    assert f"list {LIST} of Sandbox Ltd: 2 people taken off, 0 were gone already" in lines
    assert pipeline.members() == {}


def test_forget_after_a_run_that_was_killed(pipeline):
    """Its last rows may be on the list: first it must be known."""
    assert pipeline.run(PEOPLE)
    with closing(Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=time.time, warn=print)) as ledger:
        ledger.begin_run("killed", connection="klaviyo", version="0")
        one = {"emails": ["c@x.io"], "numbers": [1], "fingerprints": [1], "keys": [None]}
        ledger.intend("killed", stream="people", list_id=LIST, **one)
    with pytest.raises(TargetError) as refused:
        forget(pipeline, empty=True)
    assert str(refused.value) == (
        "a run broke off, and what became of its last rows is not known yet: nothing was forgotten. Run it once more, "
        "an empty input will do; then all whom it put on lists are known"
    )
    assert pipeline.run([])
    forget(pipeline, empty=True)
    assert pipeline.members() == {}


def test_forget_when_klaviyo_refuses_people(pipeline):
    """Whom it does not take off is known to us still, for the next try."""
    assert pipeline.run(PEOPLE)

    def refuse(request):
        ids = [each["id"] for each in json.loads(request.body)["data"]] if request.method == "DELETE" else []
        return Response(400, {"Content-Type": "application/json"}, in_meta(ids)) if ids else None

    pipeline.sandbox.interceptors.append(refuse)
    with pytest.raises(TargetError) as refused:
        forget(pipeline, empty=True)
    assert str(refused.value) == (
        f"Klaviyo refuses to take 2 people off the list {LIST}: nothing was forgotten here. "
        "Run it again; report it when it stays"
    )
    assert (pipeline.work_dir / "ledger.sqlite3").exists()


def test_forget_of_a_file_that_stays(tmp_path):
    """What cannot be removed is named; a folder in the place of a file is such a thing for everybody, root too."""
    with pytest.raises(TargetError) as refused:
        _remove([tmp_path])
    assert str(refused.value).startswith(f"{tmp_path} cannot be removed: ")
    assert str(refused.value).endswith(". What came before it is gone. Mend that and run it again")


def test_the_command(pipeline, tmp_path, capsys):
    """`forget` tells and ends with 1, `forget --yes` does it and ends with 0; a second time there is nothing."""
    assert pipeline.run(PEOPLE)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"work_dir": str(pipeline.work_dir)}))
    assert main(["forget", "--config", str(path)]) == 1
    assert pipeline.work_dir.exists()
    assert main(["forget", "--config", str(path), "--yes"]) == 0
    assert not pipeline.work_dir.exists()
    assert main(["forget", "--config", str(path), "--yes"]) == 0
    assert "holds nothing of ours" in capsys.readouterr().out
