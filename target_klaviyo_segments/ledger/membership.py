"""The half of the ledger that knows people: who is on which list because of us, who has left, and what is due to them.

Whoever asks here has everything posted first that waits in the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.errands import Errands
from target_klaviyo_segments.ledger.given import Given
from target_klaviyo_segments.ledger.known import Known
from target_klaviyo_segments.ledger.leaving import Leaving
from target_klaviyo_segments.ledger.listed import Listed
from target_klaviyo_segments.ledger.members import Members
from target_klaviyo_segments.ledger.names import NOBODY, Names
from target_klaviyo_segments.ledger.seen import Seen
from target_klaviyo_segments.ledger.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_klaviyo_segments.ledger.database import Database
    from target_klaviyo_segments.ledger.posting import Posting


class Membership:
    """Asked by list and stream, by name. `listed` is for who is on a list at Klaviyo, as this run has read it.

    `leaving` is for whom rows of this run take off, until it carries that out.

    Every method raises `WorkDirError` when the file cannot be read or written, or is damaged.
    """

    def __init__(self, database: Database, posting: Posting, now: Callable[[], float]) -> None:
        self._database = database
        self._posting = posting
        self._now = now
        self._names = Names(database)
        self._members = Members(database)
        self._seen = Seen(database)
        self._known = Known(database)
        self.errands = Errands(database, self._names, posting.post)
        self.given = Given(database, self._names, posting)
        self.segments = Segments(database, posting.post)
        self.listed = Listed(database, self._names, self._seen, posting.post)
        self.leaving = Leaving(database)

    def unchanged(
        self,
        list_id: str,
        emails: Sequence[str],
        fingerprints: Sequence[int],
        keys: Sequence[str | None] | None = None,
        *,
        stream: str,
        delivered_since: float,
    ) -> list[int]:
        """Positions of people whose last fate on this list was to be delivered, since then, with this fingerprint.

        Also by this stream, and with this key when there are keys: others that have them may lose them, and a delete
        marker may name the key alone. A delivery in the future, by a clock that was wrong, does not count. Ask about
        nobody who is in an open intent.
        """
        if self._posting.waits_for(emails):
            self._posting.post()
            self._posting.watch()
        names = self._names.list(list_id), self._names.stream(stream)
        return self._members.unchanged(*names, emails, fingerprints, keys, (delivered_since, self._now()))

    def members(self, list_id: str, stream: str | None = None) -> Iterator[str]:
        """E-mails of a list, or of those whom a stream delivered last. The ledger may be written meanwhile."""
        self._posting.post()
        yield from self._members.emails(self._names.list(list_id), self._stream(stream))

    def count_members(self, list_id: str, stream: str | None = None) -> int:
        """How many `members` there are."""
        self._posting.post()
        return self._members.count(self._names.list(list_id), self._stream(stream))

    def holders(self, list_id: str) -> dict[str, int]:
        """How many `members` of a list each stream has, by name; who is in two streams counts in both."""
        self._posting.post()
        return self._members.holders(self._names.list(list_id))

    def newcomers(self, emails: Sequence[str]) -> int:
        """How many of these people no earlier run delivered to any list, each counted once.

        To be asked before anybody of this run is delivered: the first call gathers everybody, a second a million.
        """
        return self._known.newcomers(emails)

    def emails_of_keys(self, list_id: str, stream: str, keys: Sequence[str]) -> dict[str, list[str]]:
        """Record key to e-mails, of those known; several, the last in front, of a row whose e-mail has changed.

        The first call ever makes an index: seconds for a million people.
        """
        self._posting.post()
        names = self._names.list(list_id), self._names.stream(stream)
        return self._members.of_keys(*names, keys)

    def hand_over(self, list_id: str, streams: Sequence[str], emails: Sequence[str]) -> list[str]:
        """People who left these streams: those whom another stream has on the list too, and keeps."""
        self._posting.post()
        with self._database.transaction():
            self.errands.leave(self._names.list(list_id), emails, self._names.streams(streams))
            return self._members.hand_over(self._names.list(list_id), self._names.streams(streams), emails)

    def count_leavers(self, list_id: str, streams: Sequence[str]) -> int:
        """How many `leavers` there are whom no other stream has."""
        self._posting.post()
        return self._seen.count_leavers(self._names.list(list_id), self._names.streams(streams))

    def ids_of(self, list_id: str, emails: Sequence[str]) -> dict[str, str]:
        """E-mail to Klaviyo's profile id, of those known."""
        self._posting.post()
        return self._members.ids(self._names.list(list_id), emails)

    def learn_ids(self, list_id: str, ids: Mapping[str, str]) -> None:
        """Keep Klaviyo's profile ids, by e-mail, of those who are members."""
        self._posting.post()
        with self._database.transaction():
            self._members.learn(self._names.list(list_id), ids)

    def doubt(self, list_id: str, emails: Sequence[str]) -> None:
        """Nobody knows for the moment what Klaviyo has of these people: they are not `unchanged`."""
        self._posting.post()
        with self._database.transaction():
            self._members.doubt(self._names.list(list_id), emails)

    def remove(self, list_id: str, emails: Sequence[str]) -> None:
        """These people left the list."""
        self._posting.post()
        with self._database.transaction():
            self.errands.leave(self._names.list(list_id), emails)
            self._members.remove(self._names.list(list_id), emails)

    def see(self, list_id: str, emails: Sequence[str]) -> None:
        """These people are in a segment of this run that goes to the list."""
        number = self._names.list(list_id)
        if number == NOBODY:
            with self._database.transaction():
                number = self._names.enter_list(list_id)
        self._seen.add(number, emails)

    def leavers(self, list_id: str, streams: Sequence[str]) -> Iterator[str]:
        """Members whom one of the streams delivered last and this run has not seen. It may be written meanwhile."""
        self._posting.post()
        yield from self._seen.leavers(self._names.list(list_id), self._names.streams(streams))

    def disown(self, list_id: str, streams: Sequence[str]) -> None:
        """These streams came whole: members of other streams whom this run has not seen are in these no longer."""
        self._posting.post()
        with self._database.transaction():
            self._seen.disown(self._names.list(list_id), self._names.streams(streams))

    def _stream(self, name: str | None) -> int | None:
        return None if name is None else self._names.stream(name)
