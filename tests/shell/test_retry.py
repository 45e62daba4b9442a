"""Rejected and failed rows, kept in files, and sent again once the cause is mended."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path

import forks
import pytest
from pipeline import LineByLine, Pipeline, command, configure, record, schema, state

from target_klaviyo_segments.errors import InputError
from target_klaviyo_segments.retry import Retry


def report(folder):
    return json.loads((folder / "work" / "report.json").read_text())


def kept(folder, name="failed_file"):
    path = Path(report(folder)[name])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def test_rows_that_were_not_delivered_are_kept_with_the_reason(tmp_path):
    """Those of an open job, of a batch that was being filled, and those that waited."""
    pipeline = Pipeline(tmp_path)
    pipeline.sandbox.cancel_jobs(1)
    rows = [schema(), *(record(f"p{n}@x.io", n=n) for n in range(5))]
    assert not pipeline.run(rows, batch_size_rows=2)
    failed = kept(tmp_path)
    assert len(failed) == pipeline.totals["failed"] == 2
    assert {row["code"] for row in failed} == {"not_delivered"}
    assert all(row["record"] == {"email": f"p{row['row'] - 1}@x.io", "n": row["row"] - 1} for row in failed)
    assert "cancelled" in failed[0]["reason"]


def test_every_failed_row_is_kept_when_the_run_breaks_off(tmp_path):
    """A limit of the settings stops it in the middle of a block."""
    pipeline = Pipeline(tmp_path)
    rows = [schema(), *(record(f"p{n}@x.io") for n in range(9))]
    assert not pipeline.run(rows, batch_size_rows=2, max_profiles_per_export=4, on_export_limit="fail")
    pipeline.assert_balanced()
    assert {row["row"] for row in kept(tmp_path)} == {5, 6, 7, 8, 9}
    assert pipeline.totals["failed"] == 5


def test_a_person_s_failed_rows_are_kept_oldest_first(tmp_path):
    """One in a job, one that waits for it, one in the batch that is being filled: a retry sends the last one last."""
    pipeline = Pipeline(tmp_path, job_seconds=10**6)
    targets = []

    class Stopped(LineByLine):
        def readline(self, *size):
            line = super().readline(*size)
            if not line:
                targets[0]._handle_termination(signal.SIGTERM, None)
            return line

    names = ["x", "y", "x", "z", "x"]
    lines = [schema(), *(record(f"{name}@x.io", v=number) for number, name in enumerate(names, start=1))]
    assert not pipeline.run(lines, begun=targets.append, reads=Stopped, batch_size_rows=2)
    assert [row["row"] for row in kept(tmp_path) if row["record"]["email"] == "x@x.io"] == [1, 3, 5]
    pipeline.assert_balanced()


def test_rows_are_kept_that_were_about_to_wait(tmp_path):
    """The run breaks off while those who waited before them are waited for."""
    pipeline = Pipeline(tmp_path, job_seconds=10**6)
    targets, looks = [], []

    def stop(request):
        if request.method == "GET" and request.path.endswith("import-jobs"):
            looks.append(request)
            if len(looks) > 30:
                targets[0].run.interrupt()

    pipeline.sandbox.interceptors.append(stop)
    names = ["a", "b", "c", "d", "a", "b", "c", "e", "f"]
    lines = [schema(), *(record(f"{name}@x.io", v=number) for number, name in enumerate(names, start=1))]
    assert not pipeline.run(lines, begun=targets.append, batch_size_rows=2, reads=LineByLine)
    assert pipeline.error == "the run was interrupted"
    failed = sorted(row["row"] for row in kept(tmp_path))
    assert len(failed) == pipeline.totals["failed"] == pipeline.totals["read"]
    assert {7, 8} <= set(failed)
    pipeline.assert_balanced()


@pytest.mark.parametrize(("limit", "exports"), [("fail", [4]), ("split", [4, 1])])
def test_an_export_that_went_early_takes_not_one_more(tmp_path, limit, exports):
    """Its last batch was sent because other streams needed the room."""
    pipeline = Pipeline(tmp_path)
    others = [f"other{number}" for number in range(5)]
    lines = [schema(name) for name in ("people", *others)]
    lines += [record(f"a{number}@x.io", big="x" * 45_000) for number in range(4)]
    lines += [record(f"{name}{number}@x.io", name, big="x" * 45_000) for name in others for number in range(3)]
    lines.append(record("one.more@x.io"))
    bounds = {"batch_size_bytes": 200_000, "batch_size_rows": 4, "max_profiles_per_export": 4}
    assert pipeline.run(lines, reads=LineByLine, on_export_limit=limit, **bounds) == (limit == "split")
    assert [each["profiles"] for each in pipeline.report["streams"]["people"]["exports"]] == exports
    pipeline.assert_balanced()


def test_an_export_that_seems_full_goes_on_when_rows_that_wait_are_one_person_s(tmp_path):
    """Rows of a person who is in a job: of those that wait the last one is sent, the others count no more."""
    pipeline = Pipeline(tmp_path, job_seconds=30)
    lines = [schema(), *(record("x@x.io", v=number) for number in range(9)), record("y@x.io"), state(1)]
    bounds = {"batch_size_rows": 1, "max_profiles_per_export": 3}
    assert pipeline.run(lines, reads=LineByLine, **bounds), pipeline.error
    assert pipeline.members()["x@x.io"]["properties"]["v"] == 8
    assert pipeline.states == [1]
    pipeline.assert_balanced()


def mended(pipeline, needed, **words):
    """The rejected rows of the last run as a retry sends them, other words in them."""
    run_id, path = pipeline.report["run_id"], Path(pipeline.report["rejects_file"])
    text = path.read_text()
    for wrong, right in words.items():
        text = text.replace(wrong, right)
    path.write_text(text)
    return Retry(pipeline.work_dir, run_id, lambda _: needed).read().decode()


def test_a_retry_sends_what_was_rejected_and_failed(server, tmp_path):
    """After the cause is mended: here, an address is corrected in the file and a country is set."""
    lines = [schema(), record("p0@x.io"), record("not an address", name="Ada")]
    assert command(lines, server.url, tmp_path).returncode == 0
    first = report(tmp_path)
    rejects = Path(first["rejects_file"])
    rejects.write_text(rejects.read_text().replace("not an address", "ada@x.io"))
    done = command(b"", server.url, tmp_path, "--retry", first["run_id"])
    assert done.returncode == 0, done.stderr.decode()
    second = report(tmp_path)
    assert second["retry_of"] == first["run_id"]
    assert second["totals"]["delivered"] == 1
    members = {each["email"]: each for each in server.sandbox.members("Y6nRLr")}
    assert members["ada@x.io"]["properties"]["name"] == "Ada"
    assert done.stdout == b""


def test_rows_without_an_address_are_rejected_again_and_not_the_stream(server, tmp_path):
    """The mapped property may be in none of the rows."""
    lines = [schema(), {"type": "RECORD", "stream": "people", "record": {"name": "Ada"}}]
    assert command(lines, server.url, tmp_path).returncode == 0
    assert command(b"", server.url, tmp_path, "--retry", report(tmp_path)["run_id"]).returncode == 0
    assert report(tmp_path)["totals"]["rejected"] == 1


def test_a_run_that_kept_nothing_is_named_with_those_that_did(server, tmp_path):
    """One line, and the run ids that can be used."""
    assert command([schema(), record("bad")], server.url, tmp_path).returncode == 0
    run_id = report(tmp_path)["run_id"]
    done = command(b"", server.url, tmp_path, "--retry", "20200101T000000Z-000000")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert (
        f"no rejected or failed rows of a run `20200101T000000Z-000000` are kept in {tmp_path / 'work'}; "
        f"the latest runs with such rows are {run_id}"
    ) in done.stderr.decode()


@pytest.mark.parametrize("closed", ["rejects", "rejects/{}.jsonl"])
def test_kept_rows_that_this_user_may_not_read(server, tmp_path, closed):
    """One line that names them, and no traceback; whoever ran the run can send them."""
    assert command([schema(), record("bad")], server.url, tmp_path).returncode == 0
    run_id = report(tmp_path)["run_id"]
    (tmp_path / "work" / "rejects").chmod(0o755)
    configure(server.url, tmp_path, work_dir="work")
    for folder in (tmp_path, tmp_path / "work"):
        folder.chmod(0o755)
    path = tmp_path / "work" / closed.format(run_id)
    path.chmod(0)
    try:
        done = forks.run(["--config", "config.json", "--retry", run_id], cwd=tmp_path, lowly=True)
    finally:
        path.chmod(0o700)
    assert done.returncode == 1
    told = done.stderr.decode().splitlines()[-1]
    assert told.endswith(
        f"work/rejects/{run_id}.jsonl cannot be read: Permission denied. Run it as the user who ran that run"
    )
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("line", ["no json", "[1]", '{"stream":"people"}', '{"stream":1,"record":{}}'])
def test_a_line_that_was_spoilt_is_told_by_its_number(tmp_path, line):
    """Files may be edited by hand."""
    folder = tmp_path / "rejects"
    folder.mkdir()
    (folder / "run.jsonl").write_text('{"stream":"people","record":{}}\n' + line + "\n")
    with pytest.raises(
        InputError,
        match=r"line 2 of .*run\.jsonl is no row as it was kept: an object with `stream` and `record`, all on one line",
    ):
        Retry(tmp_path, "run", lambda _: ["email"]).read()


def test_messages_come_in_parts(tmp_path):
    """A million kept rows cost no more memory than ten."""
    folder = tmp_path / "failed"
    folder.mkdir()
    (folder / "run.jsonl").write_text('{"stream":"people","record":{"email":"a@x.io"}}\n' * 100)
    source = Retry(tmp_path, "run", lambda _: ["email"])
    parts = []
    while part := source.read(500):
        parts.append(part)
    assert max(map(len, parts)) < 700
    assert b"".join(parts).count(b"RECORD") == 100


def test_a_retry_is_no_mirror(server, tmp_path):
    """A few kept rows are no segment: nobody leaves, and nothing is refused."""
    version = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}
    rows = [{**record(email), "version": 1} for email in ("p0@x.io", "p1@x.io", "bad")]
    mirror = {"sync_mode": "mirror", "segments": {"people": {"sync_mode": "mirror"}}}
    assert command([schema(), *rows, version], server.url, tmp_path, **mirror).returncode == 0
    run_id = report(tmp_path)["run_id"]
    rejects = Path(report(tmp_path)["rejects_file"])
    rejects.write_text(rejects.read_text().replace('"bad"', '"mended@x.io"'))
    done = command(b"", server.url, tmp_path, "--retry", run_id, **mirror)
    assert done.returncode == 0, done.stderr.decode()
    assert {each["email"] for each in server.sandbox.members("Y6nRLr")} == {"p0@x.io", "p1@x.io", "mended@x.io"}


def test_kept_rows_are_sent_in_their_order(tmp_path):
    """Rejected or failed, in whatever order they were kept: a person's last row comes last."""
    for folder, rows in (("rejects", [4, 2]), ("failed", [3, 1, 5])):
        (tmp_path / folder).mkdir()
        kept_rows = [{"stream": "people", "row": row, "record": {"email": "x@x.io", "v": row}} for row in rows]
        (tmp_path / folder / "run.jsonl").write_text("".join(json.dumps(each) + "\n" for each in kept_rows))
    told, *records = Retry(tmp_path, "run", lambda _: ["email"]).read().splitlines()
    assert json.loads(told)["type"] == "SCHEMA"
    assert [json.loads(each)["record"]["v"] for each in records] == [1, 2, 3, 4, 5]


def test_a_retry_finds_an_address_inside_an_object(tmp_path):
    """By its dotted path, in each row that has it there; in the others it is the property of that very name."""
    pipeline = Pipeline(tmp_path)
    rows = [{"home": {"mail": "wrong", "city": "Ulm"}}, {"home.mail": "odd"}, {"home": {"mail": "a@x.io"}, "n": "two"}]
    lines = [schema(home={"type": "object"}, n={"type": "integer"})]
    lines += [{"type": "RECORD", "stream": "people", "record": row} for row in rows]
    assert pipeline.run(lines, email_field="home.mail")
    assert pipeline.totals["rejected"] == 3
    again = mended(pipeline, ["home.mail"], wrong="b@x.io", odd="c@x.io", two="2")
    assert pipeline.run(again, email_field="home.mail"), pipeline.error
    assert {email: each["properties"] for email, each in pipeline.members().items()} == {
        "a@x.io": {"n": "2"},
        "b@x.io": {"home": {"city": "Ulm"}},
        "c@x.io": {},
    }


KEYED = schema(keys=("id",), id={"type": "integer"}, email={}, tier={}, _sdc_deleted_at={})
ROUTED = {"list_id": None, "segment_field": "tier"}


@pytest.mark.parametrize(
    ("row", "right", "settings"),
    [({"email": "wrong"}, "b@x.io", {}), ({"email": "b@x.io", "tier": "wrong"}, "People", ROUTED)],
    ids=["stream", "segment_field"],
)
def test_whom_a_retry_delivered_is_found_by_the_key_alone(tmp_path, row, right, settings):
    """Their row failed, or was rejected: a delete marker of the source takes them off the list afterwards."""
    pipeline = Pipeline(tmp_path)
    pipeline.sandbox.cancel_jobs(1)
    rows = [record("a@x.io", id=1, tier="People"), record(**row, id=2)]
    assert not pipeline.run([KEYED, *rows], **settings)
    assert (pipeline.totals["failed"], pipeline.totals["rejected"]) == (1, 1)
    assert pipeline.run(mended(pipeline, ["email", "tier"], wrong=right), **settings), pipeline.error
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    gone = [{"id": number, "_sdc_deleted_at": "2026-11-24T00:00:00Z"} for number in (1, 2)]
    assert pipeline.run([KEYED, *({"type": "RECORD", "stream": "people", "record": each} for each in gone)], **settings)
    assert pipeline.members() == {}


def test_a_row_that_lacks_its_key_is_rejected_again(tmp_path):
    """As by any run, and where no kept row has it."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([KEYED, record("a@x.io")])
    assert pipeline.run(mended(pipeline, ["email"])), pipeline.error
    assert [each["reason"] for each in pipeline.rejects()] == ["`id` is required, being a key property"]


def test_rows_kept_by_an_earlier_version_are_sent(tmp_path):
    """They do not tell the key of their stream."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([KEYED, record("wrong", id=1)])
    again = mended(pipeline, ["email"], **{"wrong": "a@x.io", '"key_properties":["id"],': ""})
    assert json.loads(again.splitlines()[0])["key_properties"] == []
    assert pipeline.run(again), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}


MAPPED = [schema(email={}, ssn={}, age={}), record("a@x.io", ssn="1", age="7"), record("b@x.io", ssn="2", age="seven")]
LEFT_OUT = (
    "1 rejected rows are not sent again, being kept as they came: a stream map or the flattening did not work on them "
    "(not_mapped), and a retry does without either. Correct the expression and let the tap send them once more; or "
    "write them in the kept file as they are to be sent, and take their `code` away"
)


@pytest.mark.parametrize("own", [{"ssn": None, "age": "int(age)"}, {"__filter__": "int(age) > 5"}], ids=str)
def test_a_retry_sends_no_row_past_its_stream_map(server, tmp_path, own):
    """It may take columns away that must not be sent, or ask for consent, and such a row was kept as it came."""
    settings = {"stream_maps": {"people": own}}
    assert command([*MAPPED, record("bad", age="9")], server.url, tmp_path, **settings).returncode == 0
    run_id, rejects = report(tmp_path)["run_id"], Path(report(tmp_path)["rejects_file"])
    rejects.write_text(rejects.read_text().replace('"bad"', '"c@x.io"'))
    done = command(b"", server.url, tmp_path, "--retry", run_id, **settings)
    assert done.returncode == 0, done.stderr.decode()
    assert {each["email"] for each in server.sandbox.members("Y6nRLr")} == {"a@x.io", "c@x.io"}
    assert report(tmp_path)["warnings"] == [LEFT_OUT]


def test_a_retry_of_rows_that_no_stream_map_works_on_sends_nothing(server, tmp_path):
    """It ends with the reason; without their `code` they go as they stand in the file."""
    settings = {"stream_maps": {"people": {"ssn": None, "age": "int(age)"}}}
    assert command(MAPPED, server.url, tmp_path, **settings).returncode == 0
    run_id, rejects = report(tmp_path)["run_id"], Path(report(tmp_path)["rejects_file"])
    done = command(b"", server.url, tmp_path, "--retry", run_id, **settings)
    assert done.returncode == 1
    assert LEFT_OUT in done.stderr.decode()
    mended = {"stream": "people", "record": {"email": "b@x.io", "age": 7}}
    rejects.write_text(json.dumps(mended) + "\n")
    assert command(b"", server.url, tmp_path, "--retry", run_id, **settings).returncode == 0
    members = {each["email"]: each["properties"] for each in server.sandbox.members("Y6nRLr")}
    assert members == {"a@x.io": {"age": 7}, "b@x.io": {"age": 7}}


def test_a_retry_without_the_stream_map_sends_rows_as_they_came(server, tmp_path):
    """As a run by these settings would send them."""
    assert command(MAPPED, server.url, tmp_path, stream_maps={"people": {"age": "int(age)"}}).returncode == 0
    assert command(b"", server.url, tmp_path, "--retry", report(tmp_path)["run_id"]).returncode == 0
    assert {each["email"] for each in server.sandbox.members("Y6nRLr")} == {"a@x.io", "b@x.io"}


ODD = ['{"email":"b@x.io","n":"x","t":"\\ud83d"}', '{"email":"b@x.io","n":"x","\\ud83d":[NaN]}', "null", "[1]", '"x"']
ODD += [ODD[0].replace('"\\ud83d"', value) for value in ("NaN", "1e400", "9" * 5000, "[" * 700 + "]" * 700)]


@pytest.mark.parametrize("odd", ODD, ids=[each[:40] for each in ODD])
def test_a_retry_reads_every_row_that_a_run_kept(server, tmp_path, odd):
    """Half a character in it, or no object at all: such a row is rejected once more, if at all, and the others go."""
    lines = [schema(email={}, n={"type": "number"}), record("a@x.io", n=1)]
    lines += [f'{{"type":"RECORD","stream":"people","record":{odd}}}', record("c@x.io", n="five")]
    assert command(lines, server.url, tmp_path).returncode == 0
    assert report(tmp_path)["totals"]["rejected"] == 2
    done = command(b"", server.url, tmp_path, "--retry", report(tmp_path)["run_id"])
    assert done.returncode == 0, done.stderr.decode()
    gone = {"b@x.io"} if odd.startswith("{") else set()
    assert {each["email"] for each in server.sandbox.members("Y6nRLr")} == {"a@x.io", "c@x.io"} | gone
    assert report(tmp_path)["totals"]["read"] == 2


def test_a_retry_reads_rows_that_an_earlier_release_kept(tmp_path):
    """With half characters, as the tap had spelled them."""
    folder = tmp_path / "rejects"
    folder.mkdir()
    (folder / "run.jsonl").write_text('{"stream":"people","row":1,"record":{"email":"a@x.io","t":"\\ud83d"}}\n')
    _, row = Retry(tmp_path, "run", lambda _: ["email"]).read().splitlines()
    assert json.loads(row)["record"] == {"email": "a@x.io", "t": "\ufffd"}
