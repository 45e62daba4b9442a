"""A body posted to a webhook: tried a few times, bounded in time, and nothing is raised. Knows nothing of runs.

With the client of Klaviyo the only place that knows requests. The address is a secret: no error's own words are told,
for those of the library quote it.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from http import HTTPStatus

import requests

from target_klaviyo_segments import __version__
from target_klaviyo_segments.clock import Clock, SystemClock
from target_klaviyo_segments.klaviyo.transport import make_transport, proxies_to

TRIES = 3
TRY_SECONDS = 4.0
ALL_SECONDS = 8.0
_HEADERS = {"Content-Type": "application/json", "User-Agent": f"target-klaviyo-segments/{__version__}"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts go; `pause_seconds` grow with each try.

    On a clock of its own: the end of a run wakes the run's, whose sleeps are no pauses from then on.
    """

    url: str = field(repr=False)
    all_seconds: float = ALL_SECONDS
    pause_seconds: float = 0.5
    clock: Clock = field(default_factory=SystemClock, repr=False)

    def post(self, body: bytes) -> str | None:
        """Post JSON; why it was not taken, as half a sentence, or None when it was."""
        told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # In a thread that is left behind, because the look-up of a host's name knows no time-out.
        threading.Thread(target=lambda: told.put(self._deliver(body)), name="webhook", daemon=True).start()
        try:
            return told.get(timeout=self.all_seconds)
        except queue.Empty:
            return f"it did not answer within {self.all_seconds:g} s"

    def _deliver(self, body: bytes) -> str | None:
        try:
            with requests.Session() as session:
                session.mount("https://", make_transport(1))
                session.mount("http://", make_transport(1))
                return self._tries(session, body)
        except Exception as error:  # noqa: BLE001  # what leaves a thread is printed, with the address that it quotes
            return f"it cannot be asked ({type(error).__name__})"

    def _tries(self, session: requests.Session, body: bytes) -> str | None:
        for number in range(1, TRIES + 1):
            trouble, worth_another = self._once(session, body)
            if trouble is None or not worth_another or number == TRIES:
                break
            self.clock.sleep(self.pause_seconds * number)
        return trouble

    def _once(self, session: requests.Session, body: bytes) -> tuple[str | None, bool]:
        """What is wrong, and whether another try may help: none where the alert may have arrived."""
        try:
            options = {"headers": _HEADERS, "timeout": TRY_SECONDS, "allow_redirects": False, "stream": True}
            proxies = proxies_to(self.url)
            with session.post(self.url, data=body, proxies=proxies, **options) as answer:  # type: ignore[arg-type]  # of several types
                status = answer.status_code
        except requests.ReadTimeout:
            return f"it did not answer within {TRY_SECONDS:g} s", False
        except requests.exceptions.SSLError:
            return "its certificate cannot be verified, or it speaks no TLS", False
        except (requests.ConnectionError, requests.Timeout):
            return "it cannot be reached", True
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return None, False
        return (
            f"it answered {status}",
            status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        )
