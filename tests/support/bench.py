"""An exporter on a model of Klaviyo and a clock of its own."""

from __future__ import annotations

import json
from typing import ClassVar

from doubles import FakeClock, ModelKlaviyo

from target_klaviyo_segments.errors import Rejection, TargetError
from target_klaviyo_segments.export.caution import Caution
from target_klaviyo_segments.export.departure import Departure
from target_klaviyo_segments.export.errands import Errands
from target_klaviyo_segments.export.exporter import Exporter
from target_klaviyo_segments.export.keeper import Keeper
from target_klaviyo_segments.export.limits import Limits
from target_klaviyo_segments.export.mirror import Mirror, MirrorLimits
from target_klaviyo_segments.export.plan import PlanLimit
from target_klaviyo_segments.export.rejects import Rejects, record_json
from target_klaviyo_segments.export.removal import Removal
from target_klaviyo_segments.ledger import Ledger


class Bench:
    """Feeds rows and keeps what comes out. Whoever makes one calls `close_all` in the end."""

    opened: ClassVar[list[Ledger]] = []

    def __init__(
        self,
        folder,
        klaviyo=None,
        *,
        usage=None,
        plan="warn",
        warn_new=10_000,
        ledger=None,
        run_id="run-1",
        hands=(),
        **limits,
    ):
        self.klaviyo = klaviyo or ModelKlaviyo()
        self.states, self.warnings = [], []
        self.rejects = Rejects(folder / "rejects.jsonl")
        self.failed = Rejects(folder / "failed.jsonl")
        self.clock = FakeClock()
        self.ledger = ledger or Ledger.open(folder / "ledger.sqlite3", now=self.clock.now, warn=self.warnings.append)
        self.opened.append(self.ledger)
        self.ledger.begin_run(run_id, connection="klaviyo", version="1")
        defaults = {
            "batch_rows": 4,
            "batch_bytes": 100_000,
            "max_in_flight": 3,
            "profiles_per_export": 1000,
            "split_exports": True,
            "job_timeout_seconds": 3600,
            "max_rejected_percent": 100,
        }
        removal = Removal(self.klaviyo, self.ledger)
        mirror = Mirror(self.klaviyo, self.ledger, self.ledger.listed, removal, MirrorLimits())
        self.exporter = Exporter(
            self.klaviyo,
            clock=self.clock,
            limits=Limits(**(defaults | limits)),
            caution=Caution(self.ledger, PlanLimit(usage, plan), {}, warn_new),
            rejects=self.rejects,
            failed=self.failed,
            departure=Departure(removal, self.ledger, mirror),
            errands=Errands(
                self.ledger.errands,
                hands,
                now=self.clock.now,
                again_after_seconds=7 * 86_400,
                begin=lambda: None,
                warn=self.warnings.append,
            ),
            keeper=Keeper(self.ledger, run_id, counts=lambda _lane: {}, now=self.clock.now, resend_after_days=7),
            emit_state=self.states.append,
            warn=self.warnings.append,
        )

    def lane(self, stream="people", list_id="LIST01"):
        return self.exporter.lane(stream, list_id)

    def read(self, name, stream="people", list_id="LIST01", **attributes):
        lane = self.lane(stream, list_id)
        lane.tally.read += 1
        self.exporter.intake.sequence += 1
        email = f"{name}@x.io"
        payload = json.dumps({"type": "profile", "attributes": {"email": email, **attributes}}).encode()
        self.exporter.intake.add(lane, lane.tally.read, email, payload, record_json({"name": name, **attributes}))

    def refuse(self, stream="people", list_id="LIST01"):
        lane = self.lane(stream, list_id)
        lane.tally.read += 1
        self.exporter.intake.sequence += 1
        self.exporter.intake.reject(lane, lane.tally.read, Rejection("email_missing", "no e-mail"), record_json({}))

    def finish(self):
        """True when every row was settled, False when the run broke off."""
        try:
            self.exporter.finish()
        except TargetError:
            self.break_off()
            return False
        self.close()
        return True

    def break_off(self):
        self.exporter.break_off("the run broke off")
        self.close()

    @classmethod
    def close_all(cls):
        """The ledgers, which are still asked when their runs are over."""
        while cls.opened:
            cls.opened.pop().close()

    def close(self):
        self.rejects.close()
        self.failed.close()

    def rejected_rows(self):
        if not self.rejects.written:
            return []
        return [json.loads(line) for line in self.rejects.path.read_text().split("\n")[:-1]]
