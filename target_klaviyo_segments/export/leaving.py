"""Who is to be taken off a list when everything is delivered, unless they come back before. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Leaving:
    """People of one stream, by e-mail, or by record key where a delete marker has nothing else; to the rows of each."""

    emails: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    back: dict[str, set[str]] = field(default_factory=dict)  # e-mail or key to segments where a later row has them

    def __bool__(self) -> bool:
        return bool(self.emails or self.keys)

    def leave(self, email: str | None, key: str | None) -> bool:
        """A row says that somebody leaves; False when it cannot be told who."""
        self.back.pop(email or key or "", None)
        if email is not None:
            self.emails[email] = self.emails.get(email, 0) + 1
        elif key is not None:
            self.keys[key] = self.keys.get(key, 0) + 1
        return email is not None or key is not None

    def forget(self) -> int:
        """Nobody leaves any more; how many rows said that somebody does."""
        rows = sum(self.emails.values()) + sum(self.keys.values())
        self.emails.clear()
        self.keys.clear()
        return rows

    def seen_in(self, segment: str, emails: Sequence[str], keys: Sequence[str | None]) -> None:
        """People are in one of several segments after all: they leave the others."""
        for known, asked in ((self.emails, emails), (self.keys, keys)):
            for each in known.keys() & set(asked) if known else ():
                self.back.setdefault(each, set()).add(segment)

    def come_back(self, emails: Sequence[str], keys: Sequence[str | None]) -> int:
        """Rows of people who are there after all: how many rows before said that they leave."""
        rows = 0
        if not self.emails.keys().isdisjoint(emails):
            rows += sum(self.emails.pop(email, 0) for email in emails)
        if keys and not self.keys.keys().isdisjoint(keys):
            rows += sum(self.keys.pop(key, 0) for key in keys if key is not None)
        return rows
