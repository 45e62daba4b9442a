"""Profiles are the account's and not a list's: what another list was given later is what Klaviyo has of a person.

Asked only where a ledger has several lists and skips who is unchanged; until then there is no index of e-mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.names import email_of
from target_klaviyo_segments.ledger.schema import INDEX_OF_EMAILS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.ledger.database import Database

# Whether a row of `members` was given otherwise on another list since. One whose delivery is in doubt is otherwise.
_OTHERWISE = f"""
EXISTS (SELECT 1 FROM members AS other WHERE {email_of("other.person")} = {email_of("members.person")}
  AND other.fate > members.fate AND other.fingerprint IS NOT members.fingerprint)
"""  # noqa: S608  # no values in it


class Elsewhere:
    """About the table of members."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def otherwise(self) -> str:
        """SQL on a row of `members`. The first call with two lists makes an index: seconds for a million people."""
        if self._database.row("SELECT 1 FROM lists LIMIT 1 OFFSET 1") is None:
            return "FALSE"
        self._database.run(INDEX_OF_EMAILS)
        return _OTHERWISE

    def doubt(self, emails: Sequence[str]) -> None:
        """What these people were given last is forgotten in a moment: on no list they are unchanged any more."""
        if self._database.row("SELECT 1 FROM sqlite_master WHERE name = 'members_by_email'") is not None:
            self._database.write_over(
                f"UPDATE members SET fingerprint = NULL WHERE {email_of('person')} IN ({{values}})",  # noqa: S608  # ours
                emails, size=len(emails),
            )  # fmt: skip  # one column a word
