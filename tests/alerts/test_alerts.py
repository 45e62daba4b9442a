"""The webhook: each run that goes wrong is told once, the first that goes well again too, and nothing else ever."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import socket
import tempfile
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import KEY, record, schema
from receiver import SECRET, Alarmed, Receiver
from requests.adapters import BaseAdapter

from target_klaviyo_segments.alerts import Alarm, Webhook
from target_klaviyo_segments.alerts.body import body_of
from target_klaviyo_segments.alerts.memory import FILE, Trouble
from target_klaviyo_segments.alerts.webhook import TRY_SECONDS
from target_klaviyo_segments.check import inspect
from target_klaviyo_segments.command import Command
from target_klaviyo_segments.errors import RunStopped, SettingsError
from target_klaviyo_segments.forgetting import carry_out
from target_klaviyo_segments.ledger import Ledger

PEOPLE = [schema(), record("ada@x.io"), record("bea@x.io")]
NO_EMAIL = [schema(name={"type": "string"}), {"type": "RECORD", "stream": "people", "record": {"name": "Ada"}}]


@pytest.fixture
def pipeline(tmp_path):
    return Alarmed(tmp_path)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def run(pipeline, receiver, lines, **changes):
    return pipeline.run(lines, alert_webhook_url=receiver.url, **changes)


def test_a_run_that_fails_is_told_with_its_numbers(pipeline, receiver):
    """Why, how many rows came to what, of which run; and for people the same as a text."""
    rows = [schema(), *(record("nobody") for _ in range(30)), *(record(f"p{n}@x.io") for n in range(9))]
    assert not run(pipeline, receiver, rows, connection_name="shop")
    (body,) = receiver.bodies
    assert (body["event"], body["connection"], body["run_id"]) == ("failed", "shop", pipeline.report["run_id"])
    assert body["message"] == pipeline.error
    assert (body["totals"]["read"], body["totals"]["delivered"], body["totals"]["rejected"]) == (39, 9, 30)
    assert body["totals"]["reject_reasons"] == body["streams"]["people"]["reject_reasons"] == {"email_invalid": 30}
    assert body["text"].startswith("shop: an export to Klaviyo failed. stream `people`: 30 of 39 rows were rejected")
    assert "read 39, delivered 9, rejected 30" in body["text"]


def test_once_each_and_once_that_it_is_over(pipeline, receiver):
    """Two fail, two go well: three alerts; and then a new failure begins anew."""
    for lines in (NO_EMAIL, NO_EMAIL, PEOPLE, PEOPLE, NO_EMAIL):
        run(pipeline, receiver, lines)
    assert receiver.events == ["failed", "failed", "recovered", "failed"]
    assert [body["failed_runs"] for body in receiver.bodies] == [1, 2, 2, 1]
    first, second, over, again = receiver.bodies
    assert first["failing_since"] == second["failing_since"] == over["failing_since"]
    assert over["totals"]["delivered"] == 2
    assert over["text"].startswith("klaviyo: an export to Klaviyo went well again. the first run that went well since ")
    assert ", after 2 that did not" in over["text"]
    assert again["run_id"] not in {first["run_id"], second["run_id"]}


def test_all_is_well(pipeline, receiver):
    """Then nobody is told anything, and nothing is noted."""
    assert run(pipeline, receiver, PEOPLE)
    assert receiver.asked == 0
    assert not (pipeline.work_dir / FILE).exists()


@pytest.mark.parametrize("changes", [{"enabled": False}, {"allowed_users": ["nobody-at-all"]}])
def test_a_run_that_may_not_be_is_told(pipeline, receiver, changes):
    """Before anything was read: refused, with the reason, and it too is over once."""
    assert not run(pipeline, receiver, PEOPLE, **changes)
    assert run(pipeline, receiver, PEOPLE)
    assert receiver.events == ["refused", "recovered"]
    assert receiver.bodies[0]["totals"]["read"] == 0


def test_a_mirror_that_refuses_is_told(pipeline, receiver):
    """People were delivered, nobody was taken off, and somebody hears why."""
    mirror = {"sync_mode": "mirror", "mirror_on_end_of_input": True}
    assert not run(pipeline, receiver, PEOPLE, **mirror)  # no STATE after the last record
    assert receiver.events == ["failed"]
    assert receiver.bodies[0]["totals"]["delivered"] == 2
    assert "nobody was taken off the list" in receiver.bodies[0]["message"]


def test_another_run_has_the_ledger(pipeline, receiver):
    """A run that cannot begin has no report, and is told all the same."""
    pipeline.work_dir.mkdir()
    ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    with contextlib.closing(ledger):
        assert not run(pipeline, receiver, PEOPLE)
    assert receiver.events == ["failed"]
    assert receiver.bodies[0]["message"] == pipeline.error


def test_work_dir_that_cannot_be(pipeline, receiver, tmp_path):
    """Nothing can be noted there, and the failure is told."""
    (tmp_path / "file").write_text("")
    assert not run(pipeline, receiver, PEOPLE, work_dir=str(tmp_path / "file" / "inside"))
    assert receiver.events == ["failed"]


def invoke(pipeline, tmp_path, **changes):
    """The command, whose settings are refused."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(pipeline.config(**changes)))
    path.chmod(0o600)
    with pytest.raises(SettingsError):
        Command.invoke(config=(str(path),))


@pytest.mark.parametrize(
    ("text", "variables", "words"),
    [
        ('{"list_id": ', {}, "is not JSON at line 1"),
        (None, {}, "cannot be read: No such file"),
        ("{}", {"BATCH_SIZE_ROWS": "x"}, "the variable TARGET_KLAVIYO_SEGMENTS_BATCH_SIZE_ROWS does not hold"),
        ('{"work_dir": "a\\u0000b"}', {}, "`work_dir` has a NUL character"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_told(receiver, tmp_path, monkeypatch, text, variables, words):
    """Where the webhook is a variable, as is best: a file may be cut off, or gone."""
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    told = {"ALERT_WEBHOOK_URL": receiver.url, "ACCEPT_DATA_PRIVACY": "true", **variables}
    for name, value in told.items():
        monkeypatch.setenv(f"TARGET_KLAVIYO_SEGMENTS_{name}", value)
    for options in ({"check": True}, {"dry_run": True}, {}):  # the first two are no runs
        with pytest.raises(SettingsError):
            Command.invoke(config=(str(path),), **options)
    (body,) = receiver.bodies
    assert (body["event"], words in body["message"]) == ("refused", True)


@pytest.mark.parametrize("accepted", ["certainly", "false", ""])
def test_where_it_is_not_known_that_the_notice_is_accepted_nobody_is_told(receiver, tmp_path, monkeypatch, accepted):
    """A variable outranks the file, and a file that cannot be read any that can."""
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    good.write_text(json.dumps({"accept_data_privacy": True}))
    broken.write_text("{")
    for name, value in {
        "ALERT_WEBHOOK_URL": receiver.url,
        "ACCEPT_DATA_PRIVACY": accepted,
        "MAX_IN_FLIGHT": "x",
    }.items():
        monkeypatch.setenv(f"TARGET_KLAVIYO_SEGMENTS_{name}", value)
    with pytest.raises(SettingsError):
        Command.invoke(config=(str(good), str(broken)))
    if accepted:
        with pytest.raises(SettingsError):
            Command.invoke(config=(str(good),))
    assert receiver.asked == 0


def test_settings_that_are_refused_are_told(pipeline, receiver, tmp_path):
    """As far as they can be read: a wrong work directory is not made."""
    invoke(pipeline, tmp_path, alert_webhook_url=receiver.url, batch_size_rows=0, connection_name=7)
    (body,) = receiver.bodies
    assert body["event"] == "refused"
    assert "`batch_size_rows` is 0" in body["text"]
    assert not pipeline.work_dir.exists()


@pytest.mark.parametrize(
    "changes",
    [{"accept_data_privacy": False}, {"accept_data_privacy": None}, {"alert_webhook_url": "ftp://x"}],
)
def test_not_a_byte_leaves_without_the_notice(pipeline, receiver, tmp_path, changes):
    """The promise has no exception; and an address that is refused is not asked."""
    invoke(pipeline, tmp_path, **{"alert_webhook_url": receiver.url, "batch_size_rows": 0, **changes})
    assert receiver.asked == 0


def test_a_run_that_was_killed_is_told_by_the_next(pipeline, receiver):
    """Who died without a word is told once, and that it is over."""
    pipeline.work_dir.mkdir()
    ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    ledger.begin_run("20260101T000000Z-dead00", connection="klaviyo", version="0.1.0")
    ledger.close()
    assert run(pipeline, receiver, PEOPLE)
    assert run(pipeline, receiver, PEOPLE)
    assert receiver.events == ["crashed", "recovered"]
    assert receiver.bodies[0]["run_id"] == "20260101T000000Z-dead00"
    assert receiver.bodies[1]["run_id"] != "20260101T000000Z-dead00"


@pytest.mark.parametrize(
    ("number", "events"),
    [(signal.SIGTERM, ["canceled", "recovered"]), (signal.SIGHUP, ["canceled", "recovered"]), (signal.SIGINT, [])],
)
def test_a_run_that_is_stopped(pipeline, receiver, number, events):
    """By a scheduler: told. By Ctrl-C: whoever did it knows."""
    assert not run(pipeline, receiver, PEOPLE, begun=lambda target: target._handle_termination(number, None))
    assert run(pipeline, receiver, PEOPLE)
    assert receiver.events == events


def test_meltanos_test_of_the_configuration_is_no_run(pipeline, receiver):
    """Whoever asks gets the answer: it mends nothing, and a refusal is no news to others."""
    question = [schema("meltano_test_stream", id={"type": "integer"})]
    assert not run(pipeline, receiver, NO_EMAIL)
    assert run(pipeline, receiver, question)
    assert not run(pipeline, receiver, question, list_id="Nobody")
    assert run(pipeline, receiver, PEOPLE)
    assert receiver.events == ["failed", "recovered"]


def told(caplog):
    return [line.getMessage() for line in caplog.records if "`alert_webhook_url`" in line.getMessage()]


@pytest.mark.parametrize(
    ("statuses", "asked", "taken", "words"),
    [
        ([500, 503], 3, 1, None),
        ([429], 2, 1, None),
        ([500, 502, 504], 3, 0, "it answered 504"),
        ([404], 1, 0, "it answered 404"),
        ([302], 1, 0, "it answered 302"),
    ],
)
def test_a_webhook_that_does_not_take_it(pipeline, caplog, statuses, asked, taken, words):
    """What may pass is tried again, a few times; what does not costs one warning, and the run ends as it would have."""
    with Receiver(*statuses) as receiver:
        assert not run(pipeline, receiver, NO_EMAIL)
    assert (receiver.asked, len(receiver.bodies)) == (asked, taken)
    assert "no usable e-mail property" in pipeline.error or "email" in pipeline.error
    asked = "connection klaviyo: the webhook (`alert_webhook_url`) did not take the alert that the run failed: "
    assert told(caplog) == ([asked + words] if words else [])


def test_a_webhook_that_never_answers(pipeline, caplog):
    """The wait has an end, and it is asked once: it may have heard."""
    pipeline.patience = 0.1
    with Receiver(manner="never") as receiver:
        assert not run(pipeline, receiver, NO_EMAIL)
        receiver.heard.wait()  # on a busy machine the run may be over before the request is there
        assert receiver.asked == 1
    assert [line.endswith("it did not answer within 0.1 s") for line in told(caplog)] == [True]


class Deaf(BaseAdapter):
    """A connection on which nobody answers in time."""

    def send(self, *_, **__):
        raise requests.ReadTimeout

    def close(self):
        pass


def test_a_webhook_that_is_slow_is_not_asked_twice():
    """The alert may have arrived."""
    with requests.Session() as session:
        session.mount("http://", Deaf())
        trouble, worth_another = Webhook("http://127.0.0.1:9")._once(session, b"{}")
    assert (trouble, worth_another) == (f"it did not answer within {TRY_SECONDS:g} s", False)


def test_a_webhook_that_is_not_there(pipeline, caplog):
    """Nobody listens, or no such host: told without the address, which is a secret."""
    with socket.socket() as held:  # nobody else on this machine can be given its port meanwhile
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}/services/{SECRET}"
        assert pipeline.run(PEOPLE, alert_webhook_url=address)
        assert told(caplog) == []
        assert not pipeline.run(NO_EMAIL, alert_webhook_url=address)
    assert [line.endswith("it cannot be reached") for line in told(caplog)] == [True]
    with Receiver() as receiver:
        trouble = Webhook(receiver.url.replace("http://", "https://")).post(b"{}")
    assert trouble == "its certificate cannot be verified, or it speaks no TLS"
    assert Webhook("https://exa mple.invalid/x").post(b"{}") == "it cannot be asked (InvalidURL)"


def test_a_recovery_that_was_not_taken_is_told_by_the_next_run(pipeline):
    """Who heard of the failure hears of its end, however late."""
    with Receiver(200, 404, 200) as receiver:
        for lines in (NO_EMAIL, PEOPLE, PEOPLE, PEOPLE):
            run(pipeline, receiver, lines)
    assert receiver.events == ["failed", "recovered"]


def test_nothing_secret_or_personal(pipeline, receiver, caplog):
    """With the log at its loudest: the address of the webhook nowhere, people's addresses not in the alert."""
    caplog.set_level(logging.DEBUG, "urllib3")  # whatever another test has done to it
    lines = [schema("ada.lovelace@example.com"), record("bea@x.io", "ada.lovelace@example.com")]
    assert not run(pipeline, receiver, [*lines, "{ not JSON"], connection_name="of cid@example.com")
    assert not run(pipeline, receiver, [schema("eve@example.com", name={"type": "string"})])
    said = json.dumps(receiver.bodies)
    for secret in ("lovelace", "bea@", "cid@", "eve@", KEY, SECRET):
        assert secret not in said
    assert "a***@e***.com" in receiver.bodies[0]["streams"]
    left = "".join(path.read_text(errors="replace") for path in pipeline.work_dir.rglob("*") if path.is_file())
    assert SECRET not in caplog.text + left
    assert "POST" in caplog.text  # it was that loud


def test_what_slack_takes_for_a_command_is_text():
    """`<!channel>` in the name of a stream wakes nobody."""
    body = body_of("failed", "stream `<!channel> & co`", Trouble("2026-01-01T00:00:00+00:00", 1), "shop", None)
    assert "&lt;!channel&gt; &amp; co" in body["text"]
    assert "<!channel> & co" in body["message"]


class Board:
    """A webhook that takes what it is in the mood to take."""

    def __init__(self):
        self.takes, self.bodies = True, []

    def post(self, body):
        if not self.takes:
            return "it answered 500"
        self.bodies.append(json.loads(body))
        return None

    @property
    def told(self):
        return [(body["connection"], body["event"]) for body in self.bodies]

    def run(self, folder, ends, connection="shop"):
        """A run that ends well, goes wrong, or is stopped by hand."""
        alarm = Alarm(self, connection=connection, work_dir=folder, log=logging.getLogger("quiet"))
        with contextlib.suppress(RunStopped, KeyboardInterrupt), alarm.watching():
            if ends != "well":
                raise RunStopped("no") if ends == "wrong" else KeyboardInterrupt


@pytest.mark.parametrize("damaged", ["{", "[]", '{"shop": 7}', '{"shop": {"since": "x", "runs": "many"}}'])
def test_a_damaged_note_begins_anew(tmp_path, damaged):
    """It is a note, and no reason to fail."""
    board = Board()
    (tmp_path / FILE).write_text(damaged)
    for ends in ("well", "wrong", "well"):
        board.run(tmp_path, ends)
    assert board.told == [("shop", "failed"), ("shop", "recovered")]
    assert board.bodies[0]["failed_runs"] == 1


def test_other_connections_of_the_folder_are_not_concerned(tmp_path):
    """One that fails is not over because another goes well."""
    board = Board()
    for connection, ends in (("one", "wrong"), ("two", "well"), ("one", "well")):
        board.run(tmp_path, ends, connection)
    assert board.told == [("one", "failed"), ("one", "recovered")]


def test_a_note_that_cannot_be_written(tmp_path, caplog):
    """The failure is told all the same, with one warning."""
    board = Board()
    (tmp_path / "alerts.draft").mkdir()
    board.run(tmp_path, "wrong")
    assert board.told == [("shop", "failed")]
    (line,) = caplog.messages
    assert line.startswith(f"connection shop: {tmp_path / FILE} cannot be written: ")
    assert line.endswith(". A later alert may say the wrong number of runs")


def test_the_note_is_its_owners_and_goes_with_the_connection(pipeline, receiver):
    """`forget` leaves nothing of it."""
    assert not run(pipeline, receiver, NO_EMAIL)
    assert (pipeline.work_dir / FILE).stat().st_mode & 0o777 == 0o600
    list(carry_out(pipeline.config(), pipeline.wires, and_empty_list=False, yes=True))
    assert not pipeline.work_dir.exists()


def test_the_check_says_whether_anybody_is_told(pipeline, receiver):
    """And asks nobody, names no address."""
    nobody = "nobody is told of a run that goes wrong: `alert_webhook_url` is not set"
    somebody = "a webhook is told of runs that go wrong; it was not asked now"
    for changes, words in (({}, nobody), ({"alert_webhook_url": receiver.url}, somebody)):
        found = {finding.about: finding for finding in inspect(pipeline.config(**changes), pipeline.wires)}
        pipeline.clock.woken = False
        assert found["alerts"].words == words
        assert SECRET not in found["alerts"].words
        assert found["alerts"].verdict.value == "ok"
    assert receiver.asked == 0


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(["well", "wrong", "by hand"]), st.booleans()), max_size=8))
def test_any_history(history):
    """A failure is told when it can be, a recovery once after failures and never without one; each run is new."""
    board, expected, failing = Board(), [], False
    with tempfile.TemporaryDirectory() as folder:
        for ends, takes in history:
            board.takes = takes
            board.run(Path(folder), ends)
            if ends == "wrong":
                failing = True
                expected += ["failed"] * takes
            elif ends == "well" and failing and takes:
                failing = False
                expected.append("recovered")
    assert [event for _, event in board.told] == expected


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_webhook_of_this_machine_is_asked_by_no_proxy(pipeline, receiver, monkeypatch, name):
    """Its address is a secret, and plain http would show it."""
    with Receiver() as proxy:
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv(name, proxy.url)
        run(pipeline, receiver, NO_EMAIL)
    assert (receiver.events, proxy.asked) == (["failed"], 0)


def test_of_a_dry_run_nobody_is_told(pipeline, receiver, tmp_path):
    """Neither that it would fail nor that it would go well: nothing went wrong or well. Refused settings as little."""
    assert not run(pipeline, receiver, NO_EMAIL)
    assert not run(pipeline, receiver, NO_EMAIL, dry_run=True)
    assert run(pipeline, receiver, PEOPLE, dry_run=True), pipeline.error
    invoke(pipeline, tmp_path, alert_webhook_url=receiver.url, dry_run=True, list_id=None)
    assert [body["event"] for body in receiver.bodies] == ["failed"]
    assert run(pipeline, receiver, PEOPLE)
    assert [body["event"] for body in receiver.bodies] == ["failed", "recovered"]
