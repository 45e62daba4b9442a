"""The JSON:API envelope: documents, links and errors as Klaviyo writes them. Knows no endpoint."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.sandbox.exchange import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIA_TYPE = "application/vnd.api+json"

_TITLES = {
    400: ("invalid", "Invalid input."),
    401: ("authentication_failed", "Incorrect authentication credentials."),
    403: ("permission_denied", "You do not have permission to perform this action."),
    404: ("not_found", "Not found."),
    405: ("method_not_allowed", "Method not allowed."),
    409: ("duplicate_profile", "Conflict."),
    410: ("gone", "This API revision is no longer available."),
    413: ("request_entity_too_large", "Request entity too large."),
    415: ("unsupported_media_type", "Unsupported media type."),
    429: ("throttled", "Request was throttled."),
}
# https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
_THROTTLED_LINKS = {"type": "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits"}

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request; `source` is its `pointer` or its `parameter`."""

    detail: str
    source: dict[str, str]


class Refusal(Exception):
    """Ends the handling of a request with an error answer."""

    def __init__(self, status: int, faults: Sequence[Fault], headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.faults = faults
        self.headers = headers or {}

    def response(self) -> Response:
        """The answer: every fault is one member of `errors`."""
        body = _encode({"errors": [self._error(fault) for fault in self.faults]})
        return Response(self.status, {"content-type": MEDIA_TYPE, **self.headers}, body)

    def _error(self, fault: Fault) -> dict[str, Any]:
        code, title = _TITLES[self.status]
        error = {
            "id": str(uuid.uuid4()),
            "status": self.status,
            "code": code,
            "title": title,
            "detail": fault.detail,
            "source": fault.source,
        }
        if self.status != 401:  # noqa: PLR2004  # the recorded 401 alone has neither links nor meta
            error |= {"links": _THROTTLED_LINKS if self.status == 429 else {}, "meta": {}}  # noqa: PLR2004  # a status
        return error


def refuse(status: int, detail: str, *, pointer: str = "/data/", parameter: str | None = None) -> Refusal:
    """The refusal of one fault, to be raised."""
    source = {"parameter": parameter} if parameter else {"pointer": pointer}
    return Refusal(status, [Fault(detail, source)])


def refuse_parameter(name: str, detail: str) -> Refusal:
    """The refusal of a query parameter."""
    return refuse(400, detail, parameter=name)


def answer(status: int, document: dict[str, Any] | None) -> Response:
    """A document as a response; without one, no body."""
    if document is None:
        return Response(status)
    return Response(status, {"content-type": MEDIA_TYPE}, _encode(document))


def moment(seconds: float) -> str:
    """A date as Klaviyo writes it: ISO 8601 with its offset."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def instant(text: str) -> float:
    """Seconds of an ISO 8601 date; one without an offset is UTC.

    Raises:
        ValueError: It is no date.
    """
    # Python 3.10 reads no `Z`.
    found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def linkage(kind: str, identity: str) -> dict[str, str]:
    """A resource identifier."""
    return {"type": kind, "id": identity}


def resource(
    kind: str,
    identity: str,
    attributes: dict[str, Any],
    own_url: str,
    relationships: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A resource object; no `relationships` member when there are none."""
    found: dict[str, Any] = {"type": kind, "id": identity, "attributes": attributes}
    if relationships:
        found["relationships"] = relationships
    return found | {"links": {"self": own_url}}


def relation(own_url: str, name: str, data: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """A relationship member: always links, `data` only where the endpoint knows it."""
    links = {"self": f"{own_url}relationships/{name}/", "related": f"{own_url}{name}/"}
    return {"links": links} if data is None else {"data": data, "links": links}
