"""The sandbox's page for people, as it is served."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.exchange import Entry
from target_klaviyo_segments.sandbox.lists import Members
from target_klaviyo_segments.sandbox.server import SandboxServer
from target_klaviyo_segments.sandbox.traffic import Traffic

KEY = "pk_sandbox_0123456789abcdef"
JOBS = "/api/profile-bulk-import-jobs"
LIST = "Y6nRLr"


class Onlooker:
    """A browser without a screen."""

    def __init__(self, url):
        self.wire = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)

    def ask(self, path, method="GET", **headers):
        """Status, headers with small names, and the body as text."""
        self.wire.request(method, path, headers=headers)
        response = self.wire.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, response.read().decode()

    def see(self, path):
        status, _, text = self.ask(path)
        assert status == 200, text
        return json.loads(text)


@pytest.fixture
def onlooker(box):
    with SandboxServer(box) as server:
        made = Onlooker(server.url)
        yield made
        made.wire.close()


def people(count, start=0):
    return [{"email": f"p{number}@x.io"} for number in range(start, start + count)]


def test_the_page_runs_its_own_script_and_nothing_else(onlooker):
    """One file; a policy that names script and style by their hashes and allows to ask the sandbox alone."""
    status, headers, text = onlooker.ask("/")
    assert status == 200
    policy = headers["content-security-policy"]
    for tag in ("script", "style"):
        (inner,) = re.findall(f"<{tag}>(.*)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert not re.findall(r"(?:src|href)=\"(?!data:)|https?://|url\(|innerHTML|\.outerHTML", text)


@pytest.mark.parametrize(
    "path", ["/", "/sandbox/overview", f"/sandbox/members?list={LIST}", "/sandbox/person?is=a@x.io"]
)
def test_no_other_site_may_read_it(onlooker, caller, path):
    """A name that was pointed at this machine (DNS rebinding) is refused, whatever it asks; loopback's are not."""
    caller.load({"email": "a@x.io"})
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "a.klaviyo.com", "[::2]:80", ""):
        status, _, text = onlooker.ask(path, Host=host)
        assert (status, "x.io" in text) == (421, False)
    for host in ("127.0.0.1:8765", "localhost", "localhost:1", "[::1]:8765"):
        status, headers, _ = onlooker.ask(path, Host=host)
        assert status == 200
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_klaviyos_own_paths_are_not_for_other_sites_either(onlooker, box):
    """The key is the one that everybody knows."""
    status, _, _ = onlooker.ask("/api/lists", Host="evil.example", Authorization=f"Klaviyo-API-Key {KEY}")
    assert (status, box.requests) == (421, [])


def test_a_key_is_shown_nowhere(onlooker, caller):
    """Neither the right one nor a wrong one that was tried."""
    caller.load({"email": "a@x.io"})
    caller.send("GET", "/api/lists", Authorization="Klaviyo-API-Key pk_of_somebody_else")
    paths = ("/", "/sandbox/overview", f"/sandbox/members?list={LIST}", "/sandbox/person?is=a@x.io")
    shown = "".join(onlooker.ask(path)[2] for path in paths)
    assert "a@x.io" in shown
    assert KEY not in shown
    assert "somebody_else" not in shown


def test_to_look_is_no_request_to_klaviyo(clock):
    """Not counted, not limited, not listed; nothing changes by it."""
    box = Sandbox(now=clock.now)
    box.add_list(LIST, "People")
    with SandboxServer(box) as server:
        onlooker = Onlooker(server.url)
        seen = [onlooker.see("/sandbox/overview") for _ in range(30)]
        onlooker.wire.close()
    assert seen[0] == seen[-1]
    assert seen[0]["counts"]["requests"] == 0
    assert box.requests == []


def test_an_import_is_seen_on_its_way(onlooker, caller, clock):
    """Queued, processing, complete, with its rows; the members when they are there."""
    caller.box.job_seconds = 10
    caller.box.refuse_rows(lambda row: ("invalid", "not her") if row["email"] == "b@x.io" else None)
    caller.load({"email": "a@x.io", "first_name": "Ada"}, {"email": "b@x.io"})
    seen = []
    for _ in range(3):
        found = onlooker.see("/sandbox/overview")
        (job,) = found["jobs"]
        seen.append(
            (job["status"], job["imported"], job["dropped"], found["lists"][0]["members"], found["counts"]["open"])
        )
        clock.seconds += 5
    assert seen == [("queued", 0, 0, 0, 1), ("processing", 0, 0, 0, 1), ("complete", 1, 1, 1, 0)]
    (error,) = onlooker.see("/sandbox/overview")["errors"]
    assert (error["whose"], error["code"], error["detail"]) == ("b@x.io", "invalid", "not her")
    (member,) = onlooker.see(f"/sandbox/members?list={LIST}")["members"]
    assert (member["email"], member["name"], member["joined"]) == ("a@x.io", "Ada", clock.seconds - 5)


def test_a_cancelled_job_shows_no_errors(onlooker, caller):
    """Nothing of it was imported, nor dropped."""
    caller.box.refuse_rows(lambda _row: ("invalid", "nobody"))
    caller.box.cancel_jobs()
    caller.load({"email": "a@x.io"})
    found = onlooker.see("/sandbox/overview")
    assert [(job["status"], job["dropped"]) for job in found["jobs"]] == [("cancelled", 0)]
    assert (found["errors"], found["counts"]["dropped"]) == ([], 0)


def test_errors_are_forgotten_with_their_job(onlooker, caller, clock):
    """After seven days, as Klaviyo forgets them."""
    caller.box.refuse_rows(lambda _row: ("invalid", "nobody"))
    caller.load({"email": "a@x.io"})
    assert len(onlooker.see("/sandbox/overview")["errors"]) == 1
    clock.seconds += 8 * 86_400
    found = onlooker.see("/sandbox/overview")
    assert (found["jobs"], found["errors"]) == ([], [])


def test_a_refused_request_has_klaviyos_words(onlooker, caller):
    """When, what, how large, and why not; the newest first."""
    caller.load({"email": "nobody"})
    caller.get("/api/lists")
    caller.send("GET", "/api/lists", Authorization=None)
    last, middle, first = onlooker.see("/sandbox/overview")["requests"]
    assert (first["method"], first["path"], first["status"], first["words"]) == (
        "POST",
        JOBS,
        400,
        "Invalid email address",
    )
    assert first["size"] > 100
    assert (middle["status"], middle["words"]) == (200, "")
    assert (last["status"], last["words"]) == (401, "Incorrect authentication credentials.")
    counts = onlooker.see("/sandbox/overview")["counts"]
    assert (counts["requests"], counts["refused"], counts["throttled"]) == (3, 2, 0)


def test_who_was_put_off_was_not_refused(limited):
    """They are counted apart."""
    for _ in range(12):
        limited.get(JOBS)
    counts = limited.box.look(lambda _account, traffic, _now: (traffic.total, traffic.throttled, traffic.refused))
    assert counts == (12, 2, 0)


def test_of_much_the_newest_is_shown(onlooker, caller):
    """Lists, jobs, errors and requests: each as many as a page has room for."""
    for number in range(250):
        caller.box.add_list(f"L{number}", f"List {number}")
    caller.box.refuse_rows(lambda row: ("invalid", "no") if "p1" in row["email"] else None)
    for number in range(60):
        caller.load(*people(3, 3 * number), list_id="L249")
    found = onlooker.see("/sandbox/overview")
    assert (len(found["lists"]), found["lists_left_out"], found["lists"][-1]["id"]) == (200, 51, "L249")
    assert (len(found["jobs"]), found["counts"]["jobs"]) == (50, 60)
    assert [error["whose"] for error in found["errors"][:2]] == ["p177@x.io", "p178@x.io"]
    assert (len(found["errors"]), found["counts"]["dropped"]) == (50, 91)
    for _ in range(100):
        caller.get("/api/lists")
    assert len(onlooker.see("/sandbox/overview")["requests"]) == 100


def test_all_members_are_found_page_by_page(onlooker, caller):
    """The last who joined first, each once, whoever joins or leaves meanwhile."""
    caller.load(*people(130))
    pages, below = [], ""
    while below is not None:
        found = onlooker.see(f"/sandbox/members?list={LIST}&below={below}")
        pages.append([member["email"] for member in found["members"]])
        below = found["older"]
        caller.load({"email": f"late{len(pages)}@x.io"})
    assert [len(page) for page in pages] == [50, 50, 30]
    assert [email for page in pages for email in page] == [f"p{number}@x.io" for number in reversed(range(130))]


@pytest.mark.parametrize("below", ["nonsense", "-1", "9" * 30, "%D9%A3%D9%A3%D9%A3"])
def test_an_odd_position_is_no_trouble(onlooker, caller, below):
    """What is none asks for the newest."""
    caller.load(*people(3))
    assert len(onlooker.see(f"/sandbox/members?list={LIST}&below={below}")["members"]) == 3


@settings(max_examples=40)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 1500), st.integers(1, 1500)), max_size=6),
    most=st.integers(1, 60),
    below=st.integers(0, 9000),
)
def test_the_latest_of_a_list_are_those_of_a_plain_one(steps, most, below):
    """However many left in between."""
    members, model = Members(), {}
    for joins, first, count in steps:
        for number in range(first, first + count):
            members.add(number, 0.0) if joins else members.remove(number)
            model.setdefault(number) if joins else model.pop(number, None)
    everybody = [members.numbers[place] for place in members.latest(len(members.numbers), len(members.numbers))]
    assert everybody == list(model)[::-1]
    places = [place for place, number in enumerate(members.numbers) if number >= 0 and place < below]
    assert members.latest(below, most) == places[::-1][:most]


def test_a_person_is_shown_whole(onlooker, caller):
    """By e-mail in any case, or by id: attributes exactly as Klaviyo has them, consent, lists."""
    caller.load({"email": "a@x.io", "properties": {"big": 10**30, "name": "Žofie"}})
    for wanted in ("A@x.io", "%20a@x.io%20", caller.box.profiles["a@x.io"]["id"]):
        found = onlooker.see(f"/sandbox/person?is={wanted}")
        assert json.loads(found["attributes"])["properties"] == {"big": 10**30, "name": "Žofie"}
        assert json.loads(found["consent"])["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
        assert found["lists"] == ["People (Y6nRLr)"]


@pytest.mark.parametrize(
    "path",
    ["/sandbox/", "/sandbox/nothing", "/sandbox/members", "/sandbox/members?list=Nope01", "/sandbox/person?is=b@x.io"],
)
def test_what_is_not_there_is_not_found(onlooker, path):
    """404, in JSON."""
    status, _, text = onlooker.ask(path)
    assert (status, json.loads(text)) == (404, {"detail": "Not found."})


def test_the_page_is_only_read(onlooker, box):
    """Other methods are refused; HEAD has no body."""
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        status, headers, _ = onlooker.ask("/sandbox/overview", method)
        assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert onlooker.ask("/", "HEAD")[::2] == (200, "")
    assert box.requests == []


def test_a_long_life_keeps_a_bounded_log():
    """The last requests, and the number of all of them."""
    traffic = Traffic(10)
    for number in range(1000):
        traffic.note(Entry("GET", f"/{number}", 429 if number % 10 == 0 else 200))
        assert len(traffic.entries) <= 20
    assert [entry.path for entry in traffic.entries[-10:]] == [f"/{number}" for number in range(990, 1000)]
    assert (traffic.total, traffic.throttled, traffic.refused) == (1000, 100, 0)
