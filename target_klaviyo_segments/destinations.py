"""Where people may go: the account that the key belongs to, and its lists, by ID or by name, each asked for once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import ContractError, KlaviyoError, RunStopped, SettingsError
from target_klaviyo_segments.export.suppression import Suppression
from target_klaviyo_segments.klaviyo.lists import CREATED_A_DAY_MAX
from target_klaviyo_segments.segment.spelling import several_nearest

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.export.exporter import Exporter
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.plan import PlanLimit
    from target_klaviyo_segments.klaviyo.client import KlaviyoClient
    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.klaviyo.protocol import PlanUsage
    from target_klaviyo_segments.report.document import RunReport
    from target_klaviyo_segments.settings import Segment, Settings

_PROPOSED = 3


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
        self._by_name: dict[str, ListInfo] = {}
        self._ambiguous: set[str] = set()
        self._all_read = False
        self._new = 0  # lists that values named and that are not there
        self.lists: dict[str, ListInfo] = {}

    def place(self, stream: str, segment: Segment) -> tuple[str, Callable[[], str] | None]:
        """The ID of a segment's list; or none, and what makes the list.

        Raises:
            ContractError: `list_name` is the name of no list, or of several.
            KlaviyoError: There is no such list, or the key may not see it.
            SettingsError: The key belongs to another account than `expected_account_id`.
        """
        if segment.list_id is not None:
            return self.list(segment.list_id).id, None
        name = segment.list_name or ""
        found = self.named(name, f"stream `{stream}`: `list_name` is `{name}`")
        if found is not None:
            return found.id, None
        if segment.create_list and segment.sync_mode != "remove":
            return "", partial(self._make, name, segment.opt_in_process, stream)
        raise ContractError(f"stream `{stream}`: `list_name` is `{name}`, {self._none_of_that_name(name)}")

    def suppression(self, stream: str, mode: str, exporter: Exporter) -> Lane:
        """The way of a stream whose people are to be suppressed, or no longer (`mode`).

        Raises:
            KlaviyoError: The key may not see what becomes of it: nothing was sent yet.
            SettingsError: The key belongs to another account than `expected_account_id`.
        """
        jobs = self._client.permission.suppressions[mode]
        if stream not in exporter.lanes:
            self.recognise()
            next(jobs.all(), None)
        lane = exporter.lane(stream, "", suppression=Suppression(mode, jobs))
        if self._settings.unchanged_profiles == "skip":
            lane.warn(
                f"stream `{stream}`: `unchanged_profiles` skip has no effect on `sync_mode` {mode}: all rows are sent"
            )
        return lane

    def list(self, list_id: str) -> ListInfo:
        """The list, known to exist in the right account.

        Raises:
            KlaviyoError: There is no such list, or the key may not see it.
            SettingsError: The key belongs to another account than `expected_account_id`.
        """
        self.recognise()
        if list_id not in self.lists:
            self.lists[list_id] = self._client.list(list_id)
        return self.lists[list_id]

    def name_of(self, list_id: str) -> str:
        """For people: the name of a list that is known, and its ID."""
        found = self.lists.get(list_id)
        return list_id if found is None else f"{found.name} ({list_id})"

    def named(self, name: str, what: str) -> ListInfo | None:
        """The one list of this name; None when there is none. `what` has named it, for the message.

        Raises:
            ContractError: There are several.
            KlaviyoError: The key may not see lists.
            SettingsError: The key belongs to another account than `expected_account_id`.
        """
        self.recognise()
        if name not in self._by_name or name in self._ambiguous:
            found = self._client.lists.named(name)
            if len(found) > 1:
                raise ContractError(_several(what, found))
            self._note(found)
        return self._by_name.get(name)

    def place_of_value(self, stream: str, segment: Segment) -> tuple[str, Callable[[], str] | None] | str:
        """As `place`, for a name that a row gives; or what there is instead of the list that, as half a sentence.

        Raises:
            KlaviyoError: The key may not see lists.
            RunStopped: One more list would have to be made than `max_new_lists` allows.
            SettingsError: The key belongs to another account than `expected_account_id`.
        """
        self._read_all()
        name = segment.list_name or ""
        if name in self._ambiguous:
            return "several lists have the name that"
        if name in self._by_name:
            return self._by_name[name].id, None
        if not segment.create_list or segment.sync_mode == "remove":
            return "there is no list that"
        if self._new == self._settings.max_new_lists:
            raise RunStopped(
                f"stream `{stream}`: its rows name more than {self._new} lists that are not there (`max_new_lists`). "
                "See that `segment_field` is the right one, then raise the limit; Klaviyo makes "
                f"{CREATED_A_DAY_MAX} lists a day"
            )
        self._new += 1
        return "", partial(self._make, name, segment.opt_in_process, stream)

    def exists(self, list_id: str) -> bool:
        """Whether the account has a list.

        Raises:
            KlaviyoError: The key may not see lists.
        """
        self._read_all()
        return list_id in self.lists

    def recognise(self) -> None:
        """Make sure that the account is the right one, asking once.

        Raises:
            KlaviyoError: The key may not see it.
            SettingsError: It is another account than `expected_account_id`.
        """
        if self._report.account_id is None:
            self.recognise_account()

    def recognise_account(self) -> None:
        """Ask whose the key is, and what its plan allows.

        Raises:
            KlaviyoError: The key may not see it.
            SettingsError: It belongs to another account than `expected_account_id`.
        """
        account = self._client.account()
        expected = self._settings.expected_account_id
        if expected is not None and account.id != expected:
            raise SettingsError(
                [
                    (
                        f"the key belongs to the Klaviyo account {account.id}, and `expected_account_id` is "
                        f"{expected}: "
                        "nothing was sent. Put the right key, or the right id"
                    )
                ]
            )
        self._report.account_id, self._report.account_name = account.id, account.name
        if self._settings.on_plan_limit != "ignore":
            self._note_plan(self._client.plan_usage())

    def _note_plan(self, usage: PlanUsage | None) -> None:
        self._plan.usage = usage
        if usage is None:
            self._log.info("the plan's limit is not known: the key has no scope usage:read, or the plan names none")
        else:
            self._report.plan = {"used": usage.used, "maximum": usage.maximum}

    def _read_all(self) -> None:
        """All lists at once, ten a request: a look for each value would take longer."""
        if self._all_read:
            return
        self.recognise()
        found = self._client.lists.everything()
        names = Counter(each.name for each in found)
        self._ambiguous = {name for name, lists in names.items() if lists > 1}
        self._note(found)
        self._all_read = True

    def _note(self, found: Sequence[ListInfo]) -> None:
        self._by_name |= {each.name: each for each in found}
        self.lists |= {each.id: each for each in found}

    def _make(self, name: str, opt_in_process: str | None, stream: str) -> str:
        """Make a list, unless another stream has made it since it was asked for; its ID.

        Raises:
            KlaviyoError: Klaviyo does not make it.
        """
        if name in self._by_name:
            return self._by_name[name].id
        try:
            made = self._client.lists.create(name, opt_in_process)
        except KlaviyoError as error:
            raise KlaviyoError(
                f"stream `{stream}`: the list `{name}` cannot be made: {error}. Klaviyo makes {CREATED_A_DAY_MAX} "
                "lists a day for an account at most; nothing of the stream was sent to it"
            ) from error
        self._by_name[name] = self.lists[made.id] = made
        self._report.lists_created.append({"id": made.id, "name": made.name, "opt_in_process": made.opt_in_process})
        told = "the list `%s` (%s, %s) was made for stream `%s`"
        foretold = "the list `%s` (%s, %s) would be made for stream `%s`"
        words = foretold if self._settings.dry_run else told
        self._log.info(words, name, made.id, made.opt_in_process, stream)
        return made.id

    def _none_of_that_name(self, name: str) -> str:
        near = several_nearest(name, (each.name for each in self._client.lists.everything()), most=_PROPOSED)
        close = f"; the nearest are {', '.join(f'`{each}`' for each in near)}" if near else ""
        return (
            f"and the Klaviyo account {self._report.account_name or self._report.account_id} has no list of that "
            f"name{close}. Correct the name, or set `create_list` to true to have the list made"
        )


def _several(what: str, found: Sequence[ListInfo]) -> str:
    ids = ", ".join(each.id for each in found)
    return f"{what}, and {len(found)} lists have that name: {ids}. Give the ID of the right one as `list_id`"
