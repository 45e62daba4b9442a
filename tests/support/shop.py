"""A sandbox account and a real client of it, on one clock and without a socket."""

from __future__ import annotations

import json

from direct import Direct
from doubles import FakeClock

from target_klaviyo_segments.klaviyo.auth import ApiKey
from target_klaviyo_segments.klaviyo.client import KlaviyoClient
from target_klaviyo_segments.sandbox.app import DEFAULT_API_KEY, Response, Sandbox

LIST = "Y6nRLr"


class Shop:
    """A Klaviyo account with one list, and whom it knows."""

    def __init__(self, *, clock=None, answer_seconds=0.0, **sandbox):
        self.clock = clock or FakeClock(1_790_000_000.0)
        self.box = Sandbox(now=self.clock.now, **sandbox)
        self.box.add_list(LIST, "People")
        self.client = KlaviyoClient(
            api_url="http://127.0.0.1:9",
            auth=ApiKey(DEFAULT_API_KEY),
            revision="2026-10-15",
            user_agent="tests/1",
            request_timeout_seconds=60,
            retry_max_seconds=600,
            job_timeout_seconds=3600,
            pool_size=4,
            clock=self.clock,
            random=lambda: 0.5,
            wall=self.clock.now,
            transport=Direct(self.box, self.clock, answer_seconds),
            on_retry=lambda *_: None,
        )

    def join(self, *people, list_id=LIST):
        """Import people: e-mails, or attributes."""
        rows = [{"email": each} if isinstance(each, str) else each for each in people]
        for start in range(0, len(rows), 10_000):
            part = [json.dumps({"type": "profile", "attributes": row}).encode() for row in rows[start : start + 10_000]]
            self.client.submit_import(list_id, part)

    @property
    def emails(self):
        """Who is on the list, by e-mail."""
        return [member.get("email") for member in self.box.members(LIST)]

    @property
    def ids(self):
        """Everybody's id, by e-mail."""
        return {email: person["id"] for email, person in self.box.profiles.items()}

    def asked(self, method, tail):
        """How many requests of this kind were sent."""
        return sum(entry.method == method and entry.path.endswith(tail) for entry in self.box.requests)

    def refuse_removals(self, *bad, body):
        """Answer every removal that holds one of these ids with a 400 that says `body(those)`."""

        def intercept(request):
            if request.method != "DELETE":
                return None
            found = [each["id"] for each in json.loads(request.body)["data"] if each["id"] in bad]
            return Response(400, {"Content-Type": "application/json"}, body(found)) if found else None

        self.box.interceptors.append(intercept)


def nameless(_ids):
    """Refuses without saying whom."""
    return b'{"errors":[{"id":"x","status":400,"code":"invalid","title":"Invalid input.","detail":"No."}]}'


def one_by_one(ids):
    """Names the first alone, in words of its own."""
    return json.dumps({"errors": [{"code": "invalid", "detail": f"unbekannt: <{ids[0]}>"}]}).encode()


def in_meta(ids):
    """Names them beside the words."""
    return json.dumps({"errors": [{"code": "invalid", "detail": "No.", "meta": {"profile_ids": ids}}]}).encode()
