"""Where people may go: the account that the key belongs to, and its lists, each asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import SettingsError

if TYPE_CHECKING:
    import logging

    from target_klaviyo_segments.export.plan import PlanLimit
    from target_klaviyo_segments.klaviyo.client import KlaviyoClient
    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.klaviyo.protocol import PlanUsage
    from target_klaviyo_segments.report.document import RunReport
    from target_klaviyo_segments.settings import Settings


class Destinations:
    """One run's; what it learns of the account goes into the report."""

    def __init__(
        self, client: KlaviyoClient, settings: Settings, report: RunReport, plan: PlanLimit, log: logging.Logger
    ) -> None:
        self._client = client
        self._settings = settings
        self._report = report
        self._plan = plan
        self._log = log
        self.lists: dict[str, ListInfo] = {}

    def list(self, list_id: str) -> ListInfo:
        """The list, known to exist in the right account.

        Raises:
            KlaviyoError: There is no such list, or the key may not see it.
            SettingsError: The key belongs to another account than `expected_account_id`.
        """
        if self._report.account_id is None:
            self.recognise_account()
        if list_id not in self.lists:
            self.lists[list_id] = self._client.list(list_id)
        return self.lists[list_id]

    def recognise_account(self) -> None:
        """Ask whose the key is, and what its plan allows.

        Raises:
            KlaviyoError: The key may not see it.
            SettingsError: It belongs to another account than `expected_account_id`.
        """
        account = self._client.account()
        expected = self._settings.expected_account_id
        if expected is not None and account.id != expected:
            owner = f"`api_key` belongs to the Klaviyo account {account.id}"
            raise SettingsError([f"{owner}, and `expected_account_id` is {expected}: nothing was sent"])
        self._report.account_id, self._report.account_name = account.id, account.name
        if self._settings.on_plan_limit != "ignore":
            self._note_plan(self._client.plan_usage())

    def _note_plan(self, usage: PlanUsage | None) -> None:
        self._plan.usage = usage
        if usage is None:
            self._log.info("the plan's limit is not known: the key has no scope usage:read")
        else:
            self._report.plan = {"used": usage.used, "maximum": usage.maximum}
