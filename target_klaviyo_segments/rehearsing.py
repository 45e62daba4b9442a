"""What a dry run has in place of a run's client and ledger, and what it foretells by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.export.foretelling import Foretelling
from target_klaviyo_segments.klaviyo.pacing import seconds_for
from target_klaviyo_segments.ledger import Copy
from target_klaviyo_segments.report.foretold import Requests, foretold
from target_klaviyo_segments.wiring import make_rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from target_klaviyo_segments.klaviyo.rehearsal import Rehearsal
    from target_klaviyo_segments.report.document import RunReport
    from target_klaviyo_segments.settings import Settings
    from target_klaviyo_segments.wiring import Wires


@dataclass(frozen=True, slots=True)
class Rehearsing:
    """One dry run's."""

    client: Rehearsal
    ledger: Copy
    sample: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def keeper(self, run_id: str, **pen: Any) -> Foretelling:  # noqa: ANN401  # a keeper's
        """Its pen."""
        return Foretelling(self.ledger, run_id, sample=self.sample, **pen)

    def left_open(self) -> Iterator[str]:
        """What a run would ask Klaviyo about first, a sentence each.

        Raises:
            WorkDirError: The copy cannot be written.
        """
        for (run_id, stream), rows in self.ledger.give_up().items():
            yield (
                f"run {run_id} broke off with {rows} rows of its stream `{stream}` under way: a run asks Klaviyo first "
                "what became of them. A dry run does not, and takes them for not delivered"
            )

    def complete(self, report: RunReport) -> None:
        """Put what is foretold into the report, also the lists that it takes for created.

        Raises:
            WorkDirError: The copy cannot be read.
        """
        unsent = {
            endpoint.name: Requests(amount.requests, amount.body_bytes, seconds_for(amount.requests, endpoint.windows))
            for endpoint, amount in self.client.unsent.amounts.items()
        }
        people = self.ledger.foretold.counts()
        report.foretold = foretold(unsent, people, self.sample, report.lists_created)
        report.lists_created = []


def rehearse(
    settings: Settings,
    wires: Wires,
    ledger: Path,
    *,
    on_retry: Callable[[str, float], None],
    warn: Callable[[str], None],
) -> Rehearsing:
    """Make them, by the ledger at this path.

    Raises:
        SettingsError: There is no key in `api_key_file`.
        WorkDirError: The ledger cannot be read, or a run has it.
    """
    client = make_rehearsal(settings, wires, on_retry)
    return Rehearsing(client, Copy.of(ledger, now=wires.wall, warn=warn))
