"""A sandbox on a clock that the test owns, and somebody to talk to it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from target_klaviyo_segments.sandbox.app import Request, Sandbox

LIST = "Y6nRLr"
JOBS = "/api/profile-bulk-import-jobs"


class Clock:
    """Time that the test lets pass."""

    def __init__(self):
        self.seconds = 1_790_000_000.0

    def now(self):
        return self.seconds


class Caller:
    """A client as it should be; each test spoils one thing."""

    def __init__(self, box):
        self.box = box
        self.headers = {
            "Authorization": "Klaviyo-API-Key pk_sandbox_0123456789abcdef",
            "revision": "2026-10-15",
            "Content-Type": "application/vnd.api+json",
            "Host": "127.0.0.1:8765",
        }

    def send(self, method, path, query=None, body=b"", **headers):
        """`query` is a dictionary or raw; a header of None is left out, `_` stands for `-`."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = query if isinstance(query, str) else urlencode(query or {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kept = {name: value for name, value in sent.items() if value is not None}
        response = self.box.handle(Request(method, path, raw, kept, content))
        document = json.loads(response.body) if response.body else None
        return SimpleNamespace(status=response.status, headers=response.headers, json=document)

    def get(self, path, **query):
        return self.send("GET", path, {_name(name): value for name, value in query.items()})

    def load(self, *rows, list_id=LIST):
        """Import rows: attributes, or whole profiles."""
        return self.send("POST", JOBS, body=import_body(rows, list_id))

    def errors_of(self, answer):
        """Import errors of a job that was begun."""
        return [error["attributes"] for error in self.everything(f"{JOBS}/{answer.json['data']['id']}/import-errors")]

    def everything(self, path, **query):
        """All pages, by following the links."""
        found, answer = [], self.get(path, **query)
        while True:
            assert answer.status == 200, answer.json
            found += answer.json["data"]
            following = answer.json["links"]["next"]
            if following is None:
                return found
            answer = self.send("GET", path, following.partition("?")[2])

    def job(self, answer):
        return self.get(f"{JOBS}/{answer.json['data']['id']}").json["data"]["attributes"]


def import_body(rows, list_id=LIST):
    profiles = [row if "attributes" in row else {"type": "profile", "attributes": row} for row in rows]
    data = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": profiles}}}
    if list_id:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    return {"data": data}


def _name(name):
    """`page_size` is `page[size]`, `fields_profile` is `fields[profile]`."""
    outer, _, inner = name.rpartition("_")
    return f"{outer.replace('_', '-')}[{inner}]" if outer in {"page", "fields", "additional_fields"} else name


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def box(clock):
    """Without rate limits, which have tests of their own."""
    sandbox = Sandbox(now=clock.now, limits=False)
    sandbox.add_list(LIST, "People")
    return sandbox


@pytest.fixture
def caller(box):
    return Caller(box)


@pytest.fixture
def limited(clock):
    """A caller of a sandbox with rate limits."""
    sandbox = Sandbox(now=clock.now)
    sandbox.add_list(LIST, "People")
    return Caller(sandbox)


@pytest.fixture
def body():
    """The body of an import."""
    return import_body


@pytest.fixture
def new_caller(clock):
    """A caller of a sandbox of its own, for examples that must not see each other."""

    def make(**settings):
        sandbox = Sandbox(now=clock.now, limits=False, **settings)
        sandbox.add_list(LIST, "People")
        return Caller(sandbox)

    return make
