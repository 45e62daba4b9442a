"""People off a list, by e-mail or by id, 1,000 at a time: whoever is not in Klaviyo is on no list either.

    removal = Removal(klaviyo: Klaviyo, people: People)          # the client, the ledger
    removal.remove(list_id: str, emails: Iterable[str]) -> Iterator[Removed]
    removal.remove_members(list_id: str, members: Iterable[tuple[str | None, str]]) -> Iterator[Removed]

    Removed(removed: tuple[str, ...], not_found: tuple[str, ...], refused: tuple[str, ...], nameless: int)

Both do their work as they are iterated, on the thread that iterates, one `Removed` for each 1,000 people; whoever stops
iterating stops removing. The ledger has forgotten whom a `Removed` calls removed or not found.
Ids come from the ledger, else from Klaviyo by e-mail. Nobody is unsubscribed, suppressed or deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

T = TypeVar("T")

# One request: https://developers.klaviyo.com/en/reference/remove_profiles_from_list
PEOPLE_A_TIME = 1_000
# Ids that the ledger knows may be of profiles that were merged into others since, and what Klaviyo does with such an id
# is documented nowhere. Up to so many cost one look-up, and both ids are taken off; of more, only those are looked up
# anew that are refused: https://developers.klaviyo.com/en/reference/get_profiles .
LOOKED_UP_ANEW_MAX = 100


class Klaviyo(Protocol):
    """What is asked of Klaviyo. Each raises `KlaviyoError` when it is not done, `RunStopped` when the run ended."""

    def profile_ids(self, emails: Sequence[str]) -> dict[str, str]:
        """E-mail to id, of those known to Klaviyo."""
        ...

    def remove_from_list(self, list_id: str, ids: Sequence[str]) -> AbstractSet[str]:
        """Take people off a list; the ids that Klaviyo refuses."""
        ...


class People(Protocol):
    """Who is on the list as far as is known. Each raises `WorkDirError` when it cannot be read or written."""

    def ids_of(self, list_id: str, emails: Sequence[str]) -> dict[str, str]:
        """E-mail to Klaviyo's id, of those known."""
        ...

    def learn_ids(self, list_id: str, ids: Mapping[str, str]) -> None:
        """Keep ids, by e-mail."""
        ...

    def doubt(self, list_id: str, emails: Sequence[str]) -> None:
        """These people may be off the list in a moment: nobody may take them for unchanged."""
        ...

    def remove(self, list_id: str, emails: Sequence[str]) -> None:
        """These people are not on the list any more."""
        ...


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of up to 1,000 people, each e-mail once.

    `removed` are off the list. `not_found` are unknown to Klaviyo, so they were not on it. `refused` may still be on
    it: Klaviyo knows them and yet refuses their id. `nameless` were removed by id alone: they have
    no e-mail, or one that another member has as well.
    """

    removed: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    nameless: int = 0


class Removal:
    """Takes people off lists. One thread."""

    def __init__(self, klaviyo: Klaviyo, people: People) -> None:
        self._klaviyo = klaviyo
        self._people = people

    def remove(self, list_id: str, emails: Iterable[str]) -> Iterator[Removed]:
        """Take people off by e-mail, trimmed and in lower case as it is delivered.

        Raises:
            KlaviyoError, RunStopped: Klaviyo does not do it. What was told before is done.
            WorkDirError: The ledger cannot be written.
        """
        for part in _parts(emails):
            asked = list(dict.fromkeys(part))
            known = self._people.ids_of(list_id, asked)
            anew = asked if len(known) <= LOOKED_UP_ANEW_MAX else [email for email in asked if email not in known]
            found = self._look_up(list_id, anew)
            yield self._take_off(list_id, asked, known, found)

    def remove_members(self, list_id: str, members: Iterable[tuple[str | None, str]]) -> Iterator[Removed]:
        """Take people off who were read from the list itself, as e-mail and id; some have no e-mail.

        Not while the list is still being read: its pages would shift.

        Raises:
            KlaviyoError, RunStopped: Klaviyo does not do it. What was told before is done.
            WorkDirError: The ledger cannot be written.
        """
        for part in _parts(members):
            ids: dict[str, str] = {}
            nameless = {
                profile_id
                for email, profile_id in part
                if email is None or ids.setdefault(email, profile_id) != profile_id
            }
            gone = self._klaviyo.remove_from_list(list_id, sorted(nameless)) if nameless else frozenset()
            yield self._take_off(list_id, list(ids), ids, {}, nameless=len(nameless) - len(gone))

    def _take_off(
        self,
        list_id: str,
        asked: Sequence[str],
        known: dict[str, str],
        found: dict[str, str],
        *,
        nameless: int = 0,
    ) -> Removed:
        """`known` ids may be out of date, `found` ones are Klaviyo's own of this minute."""
        self._people.doubt(list_id, asked)
        left = self._send(list_id, [*known.items(), *found.items()])
        outdated = [email for email in asked if email not in found and (email, known.get(email)) in left]
        again = self._look_up(list_id, outdated)
        left |= self._send(list_id, [*again.items()])
        refused = {email for email, profile_id in [*found.items(), *again.items()] if (email, profile_id) in left}
        absent = (set(asked) - known.keys() - found.keys()) | (set(outdated) - again.keys())
        removed, not_found, kept = (
            tuple(email for email in asked if fate == (email in absent, email in refused))
            for fate in ((False, False), (True, False), (False, True))
        )
        self._people.remove(list_id, [*removed, *not_found])
        return Removed(removed, not_found, kept, nameless)

    def _look_up(self, list_id: str, emails: Sequence[str]) -> dict[str, str]:
        found = self._klaviyo.profile_ids(emails) if emails else {}
        if found:
            self._people.learn_ids(list_id, found)
        return found

    def _send(self, list_id: str, ids: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these, e-mail and id, that are refused."""
        refused = self._klaviyo.remove_from_list(list_id, [each for _, each in ids]) if ids else frozenset()
        return {(email, profile_id) for email, profile_id in ids if profile_id in refused}


def still_there(stream: str, people: int) -> str:
    """What to tell of people who are `refused`."""
    return (
        f"stream `{stream}`: Klaviyo refuses to take {people} people off the list. They are on it still: run again, "
        "and report it when it stays"
    )


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, PEOPLE_A_TIME)):
        yield part
