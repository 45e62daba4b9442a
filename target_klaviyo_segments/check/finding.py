"""What was found out about one thing, as a line and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(str, Enum):
    """`ok` and `note` let a run go on, `todo` and `unknown` do not."""

    OK = "ok"
    NOTE = "note"  # works, and somebody should know
    TODO = "todo"  # must be mended first; the words say how
    UNKNOWN = "unknown"  # could not be looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing and what was found; `about` is short, `words` are a sentence without secrets."""

    about: str
    verdict: Verdict
    words: str

    @property
    def line(self) -> str:
        """`todo  list Y6nRLr: ...`, always one line."""
        return in_one_line(f"{self.verdict.value:<8}{self.about}: {self.words}")


def in_order(findings: Iterable[Finding]) -> bool:
    """Whether a run may go on."""
    return all(finding.verdict in {Verdict.OK, Verdict.NOTE} for finding in findings)


def document(
    connection: Any,  # noqa: ANN401  # as it was given, be it right or not
    findings: list[Finding],
) -> str:
    """One document, in ASCII: `ok`, `connection`, `checks` with `about`, `verdict` and `words`."""
    found = {"ok": in_order(findings), "connection": connection, "checks": [asdict(each) for each in findings]}
    return json.dumps(found, indent=2) + "\n"
