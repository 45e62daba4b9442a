"""What every request must have before an endpoint looks at it."""

from __future__ import annotations

import gzip
import json

import pytest

LISTS = "/api/lists"
JOBS = "/api/profile-bulk-import-jobs"


def error(answer):
    (found,) = answer.json["errors"]
    return found


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "Klaviyo-API-Key pk_wrong",
        "pk_sandbox_0123456789abcdef",
        "Bearer pk_sandbox_0123456789abcdef",
        "klaviyo-api-key pk_sandbox_0123456789abcdef",
    ],
)
def test_without_the_right_key_nothing_is_told(caller, sent):
    """The recorded 401: no rate headers, and neither links nor meta in the error."""
    answer = caller.send("GET", LISTS, Authorization=sent)
    assert answer.status == 401
    assert "ratelimit-limit" not in answer.headers
    assert {key: value for key, value in error(answer).items() if key != "id"} == {
        "status": 401,
        "code": "authentication_failed",
        "title": "Incorrect authentication credentials.",
        "detail": "Incorrect authentication credentials.",
        "source": {"pointer": "/data/"},
    }


def test_an_access_token_is_accepted_until_it_is_taken_back(caller):
    """OAuth: a token that expired is a 401 like a wrong key."""
    caller.box.access_tokens.add("token-1")
    assert caller.send("GET", LISTS, Authorization="Bearer token-1").status == 200
    caller.box.access_tokens.clear()
    assert caller.send("GET", LISTS, Authorization="Bearer token-1").status == 401


@pytest.mark.parametrize("sent", [None, "", "latest", "2026-10", "20261015", "2026-13-15", "2027-01-15"])
def test_a_revision_is_required(caller, sent):
    """Without a revision that Klaviyo knows the form of, or with one to come, a 400."""
    assert caller.send("GET", LISTS, revision=sent).status == 400


@pytest.mark.parametrize("sent", ["2025-01-15", "2026-10-15", "2026-07-15.pre"])
def test_live_revisions_are_answered(caller, sent):
    """Each revision lives for two years."""
    headers = {"X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1"}
    assert caller.send("GET", LISTS, revision=sent, **headers).status == 200


@pytest.mark.parametrize("sent", ["2023-07-15", "2026-09-01", "2027-01-15"])
def test_a_revision_that_is_not_live_is_gone_for_who_opts_out(caller, sent):
    """Fall-forward is silent; the header turns it into a 410."""
    assert caller.send("GET", LISTS, revision=sent, X_Klaviyo_Revision_Fall_Forward_Opt_Out="1").status == 410


def test_a_retired_revision_falls_forward(caller):
    """Without the header nobody is told."""
    assert caller.send("GET", LISTS, revision="2023-07-15").status == 200


@pytest.mark.parametrize("sent", [None, "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])
def test_a_body_says_that_it_is_json(caller, body, sent):
    """415 otherwise."""
    content = json.dumps(body([{"email": "a@x.io"}])).encode()
    assert caller.send("POST", JOBS, body=content, Content_Type=sent).status == 415


@pytest.mark.parametrize("sent", ["application/json", "application/vnd.api+json; charset=utf-8"])
def test_json_by_either_name(caller, body, sent):
    """The guides use both."""
    content = json.dumps(body([{"email": "a@x.io"}])).encode()
    assert caller.send("POST", JOBS, body=content, Content_Type=sent).status == 202


def test_a_compressed_body_is_unpacked(caller, body):
    """Gzip only."""
    content = json.dumps(body([{"email": "a@x.io"}])).encode()
    assert caller.send("POST", JOBS, body=gzip.compress(content), Content_Encoding="gzip").status == 202
    assert caller.send("POST", JOBS, body=content, Content_Encoding="br").status == 415
    assert caller.send("POST", JOBS, body=content, Content_Encoding="gzip").status == 400
    assert caller.send("POST", JOBS, body=gzip.compress(content)[:-20], Content_Encoding="gzip").status == 400


@pytest.mark.parametrize(("size", "status"), [(5_000_000, 202), (5_000_001, 413)])
@pytest.mark.parametrize("packed", [False, True])
def test_a_body_has_at_most_five_megabytes_unpacked(caller, body, size, status, packed):
    """Counted after decompression, spaces included."""
    content = json.dumps(body([{"email": "a@x.io"}])).encode()
    content += b" " * (size - len(content))
    if packed:
        answer = caller.send("POST", JOBS, body=gzip.compress(content, 1), Content_Encoding="gzip")
    else:
        answer = caller.send("POST", JOBS, body=content)
    assert answer.status == status


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"data":NaN}',
        b'{"data":Infinity}',
        b'{"data":"\\ud800"}',
        b'{"data":"\xff"}',
        b'{"data":1,"data":2}',
        b'{"data":01}',
        b"{'data':1}",
        b'{"data":{}} x',
        b"[" * 100_000,
    ],
)
def test_json_is_json(caller, content):
    """What Python's encoder lets through is not always JSON."""
    answer = caller.send("POST", JOBS, body=content)
    assert answer.status == 400
    assert "source" in error(answer)


def test_nonsense_deep_in_a_row_is_found(caller, body):
    """Custom properties are looked at as well, in bodies of every size."""
    rows = [{"email": f"p{n}@x.io", "properties": {"note": "x" * 1000}} for n in range(300)]
    content = json.dumps(body(rows)).encode()
    assert caller.send("POST", JOBS, body=content.replace(b'"note": "x', b'"note": "\\udc00', 1)).status == 400
    assert caller.send("POST", JOBS, body=content.replace(b'"note": "x', b'"note": "\xe9', 1)).status == 400
    assert caller.box.jobs == {}


@pytest.mark.parametrize(
    ("missing", "method", "path"),
    [
        ("accounts:read", "GET", "/api/accounts"),
        ("usage:read", "GET", "/api/billing-usage"),
        ("lists:read", "GET", "/api/lists"),
        ("lists:write", "POST", "/api/lists"),
        ("profiles:read", "GET", "/api/lists/Y6nRLr/profiles"),
        ("profiles:write", "DELETE", "/api/lists/Y6nRLr/relationships/profiles"),
        ("profiles:write", "POST", JOBS),
        ("lists:read", "GET", JOBS),
        ("profiles:read", "GET", f"{JOBS}/x/import-errors"),
    ],
)
def test_a_missing_scope_is_named(new_caller, missing, method, path):
    """403, before anything else about the request is judged."""
    every = {f"{name}:{right}" for name in ("accounts", "lists", "profiles", "usage") for right in ("read", "write")}
    answer = new_caller(scopes=frozenset(every - {missing})).send(method, path)
    assert answer.status == 403
    assert error(answer)["code"] == "permission_denied"
    assert missing in error(answer)["detail"]


@pytest.mark.parametrize("path", ["/", "/api", "/api/nothing", "/lists", "/api/lists//profiles", "/api/lists/a/b/c/d"])
def test_an_unknown_path_is_not_found(caller, path):
    """404 with the usual body."""
    answer = caller.send("GET", path)
    assert answer.status == 404
    assert error(answer)["code"] == "not_found"


def test_a_wrong_method_is_named(caller):
    """405, and what would have been right."""
    answer = caller.send("DELETE", JOBS)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, GET"


def test_a_slash_at_the_end_changes_nothing(caller):
    """Klaviyo's own links have one."""
    assert caller.get("/api/lists/").json["data"] == caller.get("/api/lists").json["data"]


def test_errors_have_klaviyos_members(caller):
    """Live bodies carry more than the document says."""
    found = error(caller.get("/api/lists/Nope01"))
    assert set(found) == {"id", "status", "code", "title", "detail", "source", "links", "meta"}
    assert found["status"] == 404


def test_interceptors_are_asked_first(caller):
    """Their answer replaces the real one, and what they raise reaches the caller."""

    def break_off(_request):
        raise ConnectionResetError

    caller.box.interceptors.append(lambda _request: None)
    assert caller.get(LISTS).status == 200
    caller.box.interceptors.append(break_off)
    with pytest.raises(ConnectionResetError):
        caller.get(LISTS)
    assert [entry.status for entry in caller.box.requests] == [200]
