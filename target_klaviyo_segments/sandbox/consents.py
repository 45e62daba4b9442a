"""Consent of people: what was given and taken, who is suppressed, who has yet to confirm.

https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.envelope import moment

if TYPE_CHECKING:
    from collections.abc import Callable

SUBSCRIBED, UNSUBSCRIBED, NEVER = "SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"


@dataclass(slots=True)
class Consent:
    """One person's: by channel, with when and where from; why mail is suppressed, here and on single lists.

    What is no marketing has its kind behind a dot: `sms.transactional`.
    """

    channels: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    source: str | None = None
    suppressions: dict[str, float] = field(default_factory=dict)
    list_suppressions: dict[str, float] = field(default_factory=dict)

    def unsubscribe(self, now: float) -> None:
        """As a person does it by the link in a mail."""
        self.channels["email"] = UNSUBSCRIBED
        self.suppressions["UNSUBSCRIBE"] = now

    def suppressed(self, *, on_lists: bool) -> list[dict[str, Any]]:
        """Each suppression: those of single lists, or those of everything."""
        if on_lists:
            found = self.list_suppressions.items()
            return [{"list_id": list_id, "reason": "UNSUBSCRIBE", "timestamp": at} for list_id, at in found]
        return [{"reason": why, "timestamp": at} for why, at in self.suppressions.items()]

    def absorb(self, other: Consent) -> None:
        """Have what this one lacks of another's: a channel that nothing was said about, reasons of suppression."""
        self.channels = other.channels | self.channels
        self.since = other.since | self.since
        self.suppressions = other.suppressions | self.suppressions
        self.list_suppressions = other.list_suppressions | self.list_suppressions
        self.source = self.source or other.source


@dataclass(slots=True)
class Consents:
    """Everybody's, by the number of the profile; `pending` have a confirmation in their mail, for a list each."""

    by_number: dict[int, Consent] = field(default_factory=dict)
    pending: dict[str, Callable[[float], None]] = field(default_factory=dict)

    def of(self, number: int) -> Consent:
        """A person's; to be changed."""
        return self.by_number.setdefault(number, Consent())

    def known(self, number: int) -> Consent:
        """A person's, to be looked at."""
        return self.by_number.get(number) or Consent()

    def merge(self, source: int, destination: int) -> None:
        """One profile has become part of another."""
        gone = self.by_number.pop(source, None)
        if gone is not None:
            self.of(destination).absorb(gone)

    def shown(self, number: int) -> dict[str, Any]:
        """As `additional-fields[profile]=subscriptions` shows it."""
        found = self.known(number)
        by_email, by_sms = (found.channels.get(channel, NEVER) for channel in ("email", "sms"))
        suppression, list_suppressions = (
            [{**each, "timestamp": moment(each["timestamp"])} for each in found.suppressed(on_lists=on_lists)]
            for on_lists in (False, True)
        )
        marketing = {
            "can_receive_email_marketing": by_email != UNSUBSCRIBED and not suppression,
            "consent": by_email,
            "consent_timestamp": found.since.get("email"),
            "custom_method_detail": found.source,
            "suppression": suppression,
            "list_suppressions": list_suppressions,
        }
        sms = {"can_receive_sms_marketing": by_sms == SUBSCRIBED, "consent": by_sms}
        return {"email": {"marketing": marketing}, "sms": {"marketing": sms}}
