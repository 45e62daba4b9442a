"""A desk for the ledger's tests: a ledger in a folder of its own, with a clock and an ear for its warnings."""

from __future__ import annotations

import shutil

import pytest

from target_klaviyo_segments.ledger import Ledger


class Desk:
    """Opens and reopens one ledger. Time is a number that a test sets."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "ledger.sqlite3"
        self.time = 1_000_000.0
        self.warnings = []
        self.ledger = None
        self.runs = 0

    def open(self, **options):
        self.ledger = Ledger.open(self.path, now=lambda: self.time, warn=self.warnings.append, **options)
        return self.ledger

    def close(self):
        if self.ledger is not None:
            self.ledger.close()
            self.ledger = None

    def reopen(self):
        self.close()
        return self.open()

    def begin(self):
        self.runs += 1
        run_id = f"run-{self.runs}"
        self.ledger.begin_run(run_id, connection="shop", version="1.0")
        return run_id

    def begin_next(self):
        """A run with a name that no earlier run has, whatever became of the ledger."""
        self.runs += 100
        return self.begin()

    def intend(self, run_id, emails, prints=None, *, list_id="L1", stream="people", keys=None, marks=()):
        return self.ledger.intend(
            run_id,
            stream=stream,
            list_id=list_id,
            emails=emails,
            numbers=range(1, len(emails) + 1),
            fingerprints=prints or [7] * len(emails),
            keys=keys or [None] * len(emails),
            marks=marks,
        )

    def deliver(self, run_id, emails, prints=None, **options):
        """A batch from the first word to the last."""
        intent = self.intend(run_id, emails, prints, **options)
        self.ledger.submitted(intent, f"job-{intent}", range(len(emails)))
        self.ledger.settle(intent, delivered=range(len(emails)))
        return intent

    def unchanged(self, emails, prints, keys=None, *, since=0.0, list_id="L1", stream="people"):
        return self.ledger.unchanged(list_id, emails, prints, keys, stream=stream, delivered_since=since)

    def image(self, folder):
        """Another desk with the files as they are now: what a kill -9 leaves behind."""
        folder.mkdir(exist_ok=True)
        for file in self.folder.iterdir():
            if file.is_file():
                shutil.copy(file, folder / file.name)
        return Desk(folder)


@pytest.fixture(scope="session")
def desk_class():
    """For fixtures of a wider scope, and state machines."""
    return Desk


@pytest.fixture
def desks(tmp_path):
    """Makes desks; `desks("name")`. Closes what is open in the end."""
    made = []

    def make(name="work"):
        (tmp_path / name).mkdir(exist_ok=True)
        made.append(Desk(tmp_path / name))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def desk(desks):
    """One desk with an open ledger."""
    desk = desks()
    desk.open()
    return desk


@pytest.fixture
def images(tmp_path):
    """Makes crash images of a desk; closes what is open in the end."""
    made = []

    def make(desk):
        made.append(desk.image(tmp_path / f"image-{len(made)}"))
        return made[-1]

    yield make
    for desk in made:
        desk.close()
