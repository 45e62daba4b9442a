"""The account's lists as the client finds and makes them: by id, by name, all of them, each with its flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from target_klaviyo_segments.errors import ScopeMissing
from target_klaviyo_segments.klaviyo import lists

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.klaviyo.sending import Sender

T = TypeVar("T")


class Directory:
    """Every method raises `KlaviyoError` when Klaviyo does not do it, and `RunStopped` when the run ended."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._may_see_flows = True

    def one(self, list_id: str) -> ListInfo:
        """A list, by its id.

        Raises:
            NotFound: There is none.
        """
        return self._with_flows(lambda flows: self._sender.ask(lists.get_list(list_id, flows=flows), lists.read_list))

    def named(self, name: str) -> tuple[ListInfo, ...]:
        """The lists of exactly this name: names need not differ."""
        return tuple(found for found in self._lists(name) if found.name == name)

    def everything(self) -> tuple[ListInfo, ...]:
        """All lists of the account, a request for ten of them."""
        return self._lists(None)

    def create(self, name: str, opt_in_process: str | None) -> ListInfo:
        """Make a list; when the answer is lost it is looked for by its name, so that no second one is made."""
        return self._sender.ask(
            lists.create_list(name, opt_in_process),
            lists.read_list,
            done=lambda: next(iter(self.named(name)), None),
        )

    def _lists(self, name: str | None) -> tuple[ListInfo, ...]:
        return self._with_flows(
            lambda flows: tuple(self._sender.items(lists.get_lists(name, flows=flows), lists.read_lists))
        )

    def _with_flows(self, ask: Callable[[bool], T]) -> T:
        """Flows may need a scope of their own, which is no reason to do without the list."""
        if self._may_see_flows:
            try:
                return ask(True)  # noqa: FBT003  # the one thing that the caller is told
            except ScopeMissing:
                self._may_see_flows = False
        return ask(False)  # noqa: FBT003  # same
