"""People subscribed whose rows have their consent: the hand for errands of that kind. Leaves alone who said no.

Whom Klaviyo shows as subscribed is not sent again; whom it shows as unsubscribed or suppressed only where the errand
says `resubscribe`. Nobody is ever unsubscribed or suppressed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from target_klaviyo_segments.export.errands import Done
from target_klaviyo_segments.export.isolating import send_all
from target_klaviyo_segments.klaviyo.consent import SUBSCRIBE_PEOPLE_MAX, Standing, Subscriber
from target_klaviyo_segments.segment.consent import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.ledger import Errand

KIND = "subscribe"

SUBSCRIBED = "subscribed"
WAITING = "waiting_for_confirmation"
ALREADY = "already_subscribed"
UNSUBSCRIBED = "left_alone_unsubscribed"
SUPPRESSED = "left_alone_suppressed"
REFUSED = "refused"
IN_DOUBT = "phone_in_doubt"  # in a request of which Klaviyo left phone numbers out
FATES = (SUBSCRIBED, WAITING, ALREADY, UNSUBSCRIBED, SUPPRESSED, REFUSED, IN_DOUBT)

# Neither is lifted by a subscription: https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles
_NOT_LIFTED = frozenset({"HARD_BOUNCE", "INVALID_EMAIL"})
_SAID_NO = frozenset({"UNSUBSCRIBE"})
_DOUBLE = "double_opt_in"

# Instead of Klaviyo's words, of a wish that an earlier run left.
_NOT_ASKED = "the settings do not ask for these channels any more"

_LEFT_OUT = (
    "stream `{}`: Klaviyo left out phone numbers of people who were to be subscribed, and does not say whose. E-mail "
    "is not concerned. Who has no confirmation to give counts as phone_in_doubt and is looked at again after "
    "`resend_after_days`. See that the numbers are right"
)

# The channels, and whether also whom Klaviyo shows as having said no.
Allowed = tuple[Sequence[str], bool]

_wish = msgspec.json.Decoder(Wish).decode


class Klaviyo(Protocol):
    """What is asked of Klaviyo, by several threads at once. `KlaviyoError` when it is not done."""

    def standing(self, emails: Sequence[str]) -> Mapping[str, Standing]:
        """What it shows of people's consent, of those whom it knows."""
        ...

    def subscribe(
        self, list_id: str, people: Sequence[Subscriber], *, custom_source: str | None, historical_import: bool
    ) -> bool:
        """Subscribe people; whether phone numbers of some were left out."""
        ...


@dataclass(frozen=True, slots=True)
class Subscribed(Done):
    """What became of a part: how many by fate, Klaviyo's words of refusal, and whether it left phone numbers out."""

    fates: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    left_out: bool = False


@dataclass(slots=True)
class Consents:
    """One stream's, for the report: `asked` is the sum of the fates."""

    fates: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    left_out: bool = False

    def as_dict(self) -> dict[str, object]:
        """For the report."""
        counts = {fate: self.fates[fate] for fate in FATES}
        return {"asked": sum(counts.values()), **counts, "refusals": dict(self.words.most_common())}


class Subscribing:
    """`streams` is what came of each stream and list."""

    kind = KIND
    people_a_time = SUBSCRIBE_PEOPLE_MAX

    def __init__(
        self,
        klaviyo: Klaviyo,
        *,
        opt_in_of: Callable[[str], str | None],
        allowed: Callable[[str], Allowed | None],
        warn: Callable[[str], None],
    ) -> None:
        """Take whom to ask.

        Args:
            klaviyo: Whom to ask.
            opt_in_of: The opt-in process of a list; asked by several threads.
            allowed: What the settings of a stream ask for; None when they do not speak of it.
            warn: Tells the user.
        """
        self._klaviyo = klaviyo
        self._opt_in_of = opt_in_of
        self._allowed = allowed
        self._warn = warn
        self.streams: dict[tuple[str, str], Consents] = {}

    def wanted(self, stream: str) -> bool | None:
        """Whether the settings still ask for it."""
        allowed = self._allowed(stream)
        return None if allowed is None else bool(allowed[0])

    def do(self, errands: Sequence[Errand]) -> Subscribed:
        """Subscribe people of one stream and list, but for those who are to be left alone.

        Raises:
            KlaviyoError: Klaviyo does not do it.
        """
        list_id, allowed = errands[0].list_id, self._allowed(errands[0].stream) or ((), False)
        wishes = [_narrowed(_wish(each.body), *allowed) for each in errands]
        shown = self._klaviyo.standing([each.email for each in errands])
        fates: dict[int, str] = {}
        groups: dict[tuple[str | None, bool], list[int]] = {}
        people: dict[int, Subscriber] = {}
        for at, (errand, wish) in enumerate(zip(errands, wishes, strict=True)):
            standing = shown.get(errand.email) or Standing(errand.email)
            why = left_alone(wish, standing, list_id)
            if why is None:
                groups.setdefault((wish.custom_source, wish.historical), []).append(at)
                people[at] = subscriber(errand.email, wish, standing)
            else:
                fates[at] = why
        words = Counter(_NOT_ASKED for wish in wishes if not wish.channels)
        left_out = False
        for (source, historical), group in groups.items():
            waits = not historical and self._opt_in_of(list_id) == _DOUBLE
            fates |= dict.fromkeys(group, WAITING if waits else SUBSCRIBED)
            send = partial(self._klaviyo.subscribe, list_id, custom_source=source, historical_import=historical)
            refused, in_doubt = self._send(group, people, send)
            left_out = left_out or bool(in_doubt)
            fates |= {} if waits else dict.fromkeys(in_doubt, IN_DOUBT)
            for at, reason in refused:
                fates[at] = REFUSED
                words[reason] += 1
        return _done(fates, words, left_out=left_out)

    def report(self, stream: str, list_id: str) -> dict[str, object] | None:
        """What came of a stream's people on a list; None when nobody was asked."""
        found = self.streams.get((stream, list_id))
        return found.as_dict() if found is not None else None

    def book(self, errands: Sequence[Errand], done: Subscribed) -> None:
        """Count what was done."""
        consents = self.streams.setdefault((errands[0].stream, errands[0].list_id), Consents())
        consents.fates += done.fates
        consents.words += done.words
        if done.left_out and not consents.left_out:
            consents.left_out = True
            self._warn(_LEFT_OUT.format(errands[0].stream))

    def _send(
        self, group: Sequence[int], people: Mapping[int, Subscriber], send: Callable[[Sequence[Subscriber]], bool]
    ) -> tuple[list[tuple[int, str]], set[int]]:
        """Who was refused, and why, and whose phone number is in doubt. Where it may be why, by e-mail alone again."""
        in_doubt: set[int] = set()

        def subscribe(whom: Mapping[int, Subscriber], part: Sequence[int]) -> None:
            if send([whom[at] for at in part]):
                in_doubt.update(at for at in part if whom[at].phone)

        refused = send_all(group, partial(subscribe, people))
        again = {at: _without_phone(people[at]) for at, _ in refused if people[at].phone and people[at].by_email}
        still = send_all(list(again), partial(subscribe, again))
        final = (*(pair for pair in refused if pair[0] not in again), *still)
        return [(at, why.reason) for at, why in final], in_doubt


def left_alone(wish: Wish, standing: Standing, list_id: str) -> str | None:
    """Why a person is not to be subscribed; None when they are."""
    if not wish.channels:
        return REFUSED
    no = _objection(wish, standing, list_id)
    if no is not None and (not wish.resubscribe or standing.suppressed & _NOT_LIFTED):
        return no
    return ALREADY if no is None and not _missing(wish, standing) else None


def subscriber(email: str, wish: Wish, standing: Standing) -> Subscriber:
    """A wish as Klaviyo is told it: channels that are missing, and when they consented with a historical import alone.

    Who has all of them, and is suppressed, has them lifted by all of them.
    """
    channels = _missing(wish, standing) or wish.channels
    return Subscriber(
        email,
        by_email="email" in channels,
        phone=wish.phone if "sms" in channels else None,
        consented_at=wish.consented_at if wish.historical else None,
    )


def _narrowed(wish: Wish, channels: Sequence[str], resubscribe: bool) -> Wish:  # noqa: FBT001  # of an `Allowed`
    """A wish by the settings as they are now, which may ask for less than when its row came."""
    both = tuple(each for each in wish.channels if each in channels)
    return msgspec.structs.replace(wish, channels=both, resubscribe=wish.resubscribe and resubscribe)


def _missing(wish: Wish, standing: Standing) -> Sequence[str]:
    """The channels that Klaviyo does not show as subscribed."""
    consents = {"email": standing.email_consent, "sms": standing.sms_consent}
    return [channel for channel in wish.channels if consents.get(channel) != "SUBSCRIBED"]


def _objection(wish: Wish, standing: Standing, list_id: str) -> str | None:
    """Whoever said no on one of the channels is left alone on all of them: the row is not up to date about them."""
    by_email, by_sms = "email" in wish.channels, "sms" in wish.channels
    said_no = (
        (by_email and (standing.email_consent == "UNSUBSCRIBED" or bool(standing.suppressed & _SAID_NO)))
        or (by_email and list_id in standing.left_lists)
        or (by_sms and standing.sms_consent == "UNSUBSCRIBED")
    )
    if said_no:
        return UNSUBSCRIBED
    return SUPPRESSED if by_email and standing.suppressed else None


def _without_phone(person: Subscriber) -> Subscriber:
    return Subscriber(person.email, by_email=True, consented_at=person.consented_at)


def _done(fates: Mapping[int, str], words: Counter[str], *, left_out: bool) -> Subscribed:
    for_good = [at for at, fate in fates.items() if fate in {SUBSCRIBED, WAITING, ALREADY}]
    for_now = [at for at, fate in fates.items() if fate in {UNSUBSCRIBED, SUPPRESSED, REFUSED, IN_DOUBT}]
    return Subscribed(for_good, for_now, Counter(fates.values()), words, left_out)
