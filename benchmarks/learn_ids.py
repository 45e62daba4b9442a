"""Gives the ledger Klaviyo's ids of those who are about to leave, as an earlier look-up would have.

In a process of its own: what this one imports would count as memory of the processes that its parent starts.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import islice
from pathlib import Path

from box import LIST_ID
from records import people

from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Wires, make_client

_AT_ONCE = 1_000


def main() -> None:
    """Arguments: the config file, how many people there are, and that every so-many-th of them leaves."""
    count, every = int(sys.argv[2]), int(sys.argv[3])
    settings = TargetKlaviyoSegments(config=json.loads(Path(sys.argv[1]).read_text())).settings
    client = make_client(settings, Wires(), print)
    ledger = Ledger.open(Path(settings.work_dir) / "ledger.sqlite3", now=time.time, warn=print)
    leavers = [str(person["email"]) for person in islice(people(count), 0, None, every)]
    for first in range(0, len(leavers), _AT_ONCE):
        ledger.learn_ids(LIST_ID, client.profile_ids(leavers[first : first + _AT_ONCE]))
    ledger.close()
    client.close()


if __name__ == "__main__":
    main()
