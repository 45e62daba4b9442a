"""Two profiles become one, as when somebody with a phone number alone tells the e-mail address of another profile.

The destination stays, with its own values and what it lacks of the source's, of consent too; what an id does that was
merged away is documented nowhere, so a test says what: https://developers.klaviyo.com/en/reference/merge_profiles .
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from target_klaviyo_segments.sandbox.account import Account

# An id that was merged away: is refused as unknown, stands for the destination, or is taken and does nothing.
OldIds = Literal["refused", "followed", "ignored"]


def merge(account: Account, source_id: str, destination_id: str, now: float, old_ids: OldIds) -> None:
    """Merge the source into the destination, which takes its place on lists.

    Raises:
        ValueError: There are no two profiles of these ids.
    """
    source, destination = (account.people.by_id(each) for each in (source_id, destination_id))
    if source is None or destination is None or source.number == destination.number:
        raise ValueError("two profiles are needed to merge one into the other")
    for record in account.lists.by_id.values():
        if record.members.place(source.number) is not None:
            record.members.remove(source.number)
            record.members.add(destination.number, now)
    account.people.merge(source.number, destination.number, now)
    account.consents.merge(source.number, destination.number)
    if old_ids != "refused":
        account.people.moved[source_id] = destination.number if old_ids == "followed" else source.number
