"""The profiles of the account: who a row is, and where a person is kept.

A body of new people is kept as it came, with nothing for each of them but the ways to find them; whoever comes alone
or has changed is a `Person`. A million fit and arrive in seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from target_klaviyo_segments.sandbox.block import Row
from target_klaviyo_segments.sandbox.person import Person, number_in

if TYPE_CHECKING:
    from target_klaviyo_segments.sandbox.block import Block


_Index = dict[str | None, int]


_NOTHING = b'{"attributes":{}}'


class Unresolvable(Exception):
    """A row whose identifiers name nobody, or two different people."""


@dataclass(slots=True)
class _Stored:
    """A block of people who arrived together; `changed` of them have become people of their own since."""

    start: int
    block: Block
    created: float
    updated: float
    changed: int = 0

    def person(self, number: int) -> Person:
        row = self.block.row(number - self.start)
        return Person(number, self.created, self.updated, row.email, row.phone, row.external_id, row.raw)


class People(Sequence[Person]):
    """All profiles by number; numbers never change."""

    def __init__(self) -> None:
        self._count = 0
        self._own: dict[int, Person] = {}
        self._nobody: set[int] = set()  # merged into others
        self.moved: dict[str, int] = {}  # ids of those that are answered all the same, and for whom
        self._stored: list[_Stored] = []
        self._starts: list[int] = []
        # None and the empty text are nobody's keys.
        self._indexes: tuple[_Index, _Index, _Index] = ({}, {}, {})
        self._emails, self._phones, self._external_ids = self._indexes

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Person: ...
    @overload
    def __getitem__(self, number: slice) -> list[Person]: ...
    def __getitem__(self, number: int | slice) -> Person | list[Person]:
        """To look at; who is to be changed is asked for by `put`."""
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(self._count))]
        if not 0 <= number < self._count:
            raise IndexError(number)
        return self._own.get(number) or self._stored_with(number).person(number)

    def by_id(self, profile_id: str) -> Person | None:
        """The profile of an id."""
        if profile_id in self.moved:
            return self[self.moved[profile_id]]
        number = number_in(profile_id)
        person = self[number] if number is not None and number < self._count else None
        return person if person and person.id == profile_id and number not in self._nobody else None

    def by_email(self, email: str) -> Person | None:
        """The profile of an address, which is in lower case."""
        return self._at(self._emails.get(email))

    def by_phone(self, phone: str) -> Person | None:
        """The profile of a phone number."""
        return self._at(self._phones.get(phone))

    def by_external_id(self, external_id: str) -> Person | None:
        """The profile of an id of the caller's own."""
        return self._at(self._external_ids.get(external_id))

    def with_email(self) -> dict[str, Person]:
        """Everybody who has an e-mail, by e-mail."""
        return {email: self[number] for email, number in self._emails.items() if email}

    def put_block(self, block: Block, now: float) -> range | None:
        """Create the people of a block; None when somebody is known already: then its rows are put one by one."""
        columns: tuple[Sequence[str | None], ...] = (block.emails, block.phones, block.external_ids)
        ways = [(index, column) for index, column in zip(self._indexes, columns, strict=True) if any(column)]
        if not all(index.keys().isdisjoint(column) for index, column in ways):
            return self._same_again(block, now)
        start = self._count
        self._stored.append(_Stored(start, block, now, now))
        self._starts.append(start)
        self._count += len(block)
        numbers = list(range(start, self._count))  # one object for each number, in all the indexes
        for index, column in ways:
            index.update(zip(column, numbers, strict=True))
            for nothing in (None, ""):
                index.pop(nothing, None)
        return range(start, self._count)

    def put(self, row: Row, now: float) -> int:
        """Create or update the person of a row.

        Raises:
            Unresolvable: The row is dropped.
        """
        number = self._whose(row)
        if number is None:
            number = self._count
            self._count += 1
            self._own[number] = Person(number, now, now, None, None, None, row.raw)
        person = self._to_change(number)
        person.write(row.raw, now)
        self._index(person, row)
        return number

    def put_alone(self, row: Row, now: float, *, whole_location: bool) -> int:
        """The same where a null clears a field: https://developers.klaviyo.com/en/reference/create_or_update_profile .

        Raises:
            Unresolvable: Nobody is changed.
        """
        known = self._whose(row)
        if known is None:
            known = self.put(Row(row.email, row.phone, row.external_id, row.id, _NOTHING), now)
        person = self._to_change(known)
        person.rewrite(row.raw, now, whole_location=whole_location)
        self._index(person, row)
        left = person.attributes()
        if person.phone and "phone_number" not in left:
            self._phones.pop(person.phone, None)
            person.phone = None
        if person.external_id and "external_id" not in left:
            self._external_ids.pop(person.external_id, None)
            person.external_id = None
        return known

    def merge(self, source: int, destination: int, now: float) -> None:
        """The destination gets what it lacks of the source, who is nobody from now on."""
        gone, stays = self._to_change(source), self._to_change(destination)
        stays.absorb(gone, now)
        for index, key in zip(self._indexes, (gone.email, gone.phone, gone.external_id), strict=True):
            index.pop(key, None)
        gone.email = gone.phone = gone.external_id = None
        gone.raw = _NOTHING
        self._nobody.add(source)
        email, phone, external_id = (stays.attributes().get(name) for name in ("email", "phone_number", "external_id"))
        self._index(stays, Row(email, phone, external_id, None, stays.raw))

    def is_nobody(self, number: int) -> bool:
        """Whether the profile of a number was merged into another."""
        return number in self._nobody

    def _same_again(self, block: Block, now: float) -> range | None:
        """Bytes that came before, of people of whom nobody has changed since, change nobody."""
        number = self._emails.get(block.emails[0])
        if number is None or number in self._own:
            return None
        stored = self._stored_with(number)
        if stored.changed or stored.start != number or not stored.block.same(block):
            return None
        stored.updated = now
        return range(number, number + len(block))

    def _stored_with(self, number: int) -> _Stored:
        return self._stored[bisect_right(self._starts, number) - 1]

    def _at(self, number: int | None) -> Person | None:
        return None if number is None else self[number]

    def _to_change(self, number: int) -> Person:
        found = self._own.get(number)
        if found is None:
            stored = self._stored_with(number)
            found = self._own[number] = stored.person(number)
            stored.changed += 1
            if stored.changed == len(stored.block):  # its bytes are nobody's any more
                place = self._starts.index(stored.start)
                del self._stored[place], self._starts[place]
        return found

    def _whose(self, row: Row) -> int | None:
        # One that points at two people is an error: https://developers.klaviyo.com/en/docs/profiles_api_overview
        keys = (row.email, row.phone, row.external_id)
        owners = {index[key] for index, key in zip(self._indexes, keys, strict=True) if key and key in index}
        if row.id:
            owner = self.by_id(row.id)
            if owner is None:
                raise Unresolvable("The profile id does not exist.")
            owners.add(owner.number)
        if len(owners) > 1:
            raise Unresolvable("A profile already exists with one of these identifiers.")
        if not owners and not (row.email or row.phone or row.external_id):
            raise Unresolvable("No profile could be resolved from the identifiers.")
        return owners.pop() if owners else None

    def _index(self, person: Person, row: Row) -> None:
        if row.email and row.email != person.email:
            self._emails.pop(person.email or "", None)
            self._emails[row.email] = person.number
            person.email = row.email
        if row.phone and row.phone != person.phone:
            self._phones.pop(person.phone or "", None)
            self._phones[row.phone] = person.number
            person.phone = row.phone
        if row.external_id and row.external_id != person.external_id:
            self._external_ids.pop(person.external_id or "", None)
            self._external_ids[row.external_id] = person.number
            person.external_id = row.external_id
