"""Consent as the client reads and gives it, suppression as it asks for it. Used where the settings say so alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.klaviyo import consent
from target_klaviyo_segments.klaviyo.suppressing import KINDS
from target_klaviyo_segments.klaviyo.suppressions import SuppressionJobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.klaviyo.consent import Standing, Subscriber
    from target_klaviyo_segments.klaviyo.protocol import Call
    from target_klaviyo_segments.klaviyo.sending import Sender


class Permission:
    """Every method raises `KlaviyoError` when Klaviyo does not do it, and `RunStopped` when the run ended.

    `suppressions` are the jobs by the `sync_mode` that asks for them: suppress, unsuppress.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.suppressions = {mode: SuppressionJobs(sender, kind) for mode, kind in KINDS.items()}

    def standing(self, emails: Sequence[str]) -> dict[str, Standing]:
        """What Klaviyo shows of people's consent, by e-mail in lower case, of those whom it knows."""
        calls = consent.ask_standing(emails)
        return {each.email: each for call in calls for each in self._sender.items(call, consent.read_standing)}

    def subscribe(
        self, list_id: str, people: Sequence[Subscriber], *, custom_source: str | None, historical_import: bool
    ) -> bool:
        """Subscribe at most 1,000 people; Klaviyo goes on with it by itself, within minutes.

        Returns:
            Whether it says that it left out phone numbers of some of them; whose, it does not say.

        Raises:
            RowsRefused: Klaviyo names people whom it does not take. Nobody was subscribed.
            BodyRefused: It names none. Nobody was subscribed.
        """
        call = consent.subscribe(list_id, people, custom_source=custom_source, historical_import=historical_import)
        left_out: list[Call] = []
        self._sender.ask(call, bytes, left_out=left_out.append)
        return bool(left_out)
