"""Both jobs, on Dagster's executor, against two sandboxes; fails when a list is not what it should be.

Run by `make demo-dagster`. Nothing leaves this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from itertools import combinations, pairwise
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter, Retry

HERE = Path(__file__).resolve().parent
KEY = "pk_sandbox_0123456789abcdef"
LISTS = {"EAST": ("EAST01", "EAST02"), "WEST": ("WEST01",)}
PEOPLE = 400


def main() -> int:
    """Run both jobs and look at both accounts."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        segments(home)
        urls = {account: sandbox(stack, account) for account in LISTS}
        environment = os.environ | {"EXPORTS_HOME": str(home), "DAGSTER_HOME": str(home), "SEGMENTS": str(home)}
        environment |= {f"{account}_API_URL": url for account, url in urls.items()}
        environment |= {f"{account}_API_KEY": KEY for account in LISTS}
        (home / "dagster.yaml").touch()
        for name in ("exports", "prepared"):
            dagster = [sys.executable, "-m", "dagster", "job", "execute", "-f", "definitions.py", "-j", name]
            done = subprocess.run(dagster, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
            print(f"job {name}: exit status {done.returncode}")
            if done.returncode:
                print(done.stderr[-6000:])
                return 1
        return _judge(home, {name: members(urls[name[:4]], name) for part in LISTS.values() for name in part})


def segments(home: Path) -> None:
    """Two segments that share people, as files for tap-jsonl."""
    for name, numbers in (("newsletter", range(PEOPLE)), ("lapsed", range(0, PEOPLE, 4))):
        lines = (json.dumps({"customer_id": n, "email": f"person.{n}@example.com", "visits": n}) for n in numbers)
        (home / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def sandbox(stack: ExitStack, account: str) -> str:
    """A Klaviyo account of its own; to its address."""
    lists = [word for name in LISTS[account] for word in ("--list", name)]
    command = ["target-klaviyo-segments-sandbox", "--port", "0", "--quiet", "--job-seconds", "1", *lists]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(process.terminate)
    if process.stdout is None:
        raise SystemExit("the sandbox says nothing")
    return next(word for word in process.stdout.readline().split() if word.startswith("http"))


def members(url: str, list_id: str) -> int:
    """How many people Klaviyo has on a list."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(5, status_forcelist=[429])))  # waits as Klaviyo asks
    answer = session.get(
        f"{url}/api/lists/{list_id}?additional-fields[list]=profile_count",
        headers={"Authorization": f"Klaviyo-API-Key {KEY}", "revision": "2026-10-15"},
        timeout=30,
    )
    answer.raise_for_status()
    return int(answer.json()["data"]["attributes"]["profile_count"])


def _judge(home: Path, found: dict[str, int]) -> int:
    expected = {"EAST01": PEOPLE + 20_000, "EAST02": PEOPLE // 4, "WEST01": PEOPLE}
    spans = {account: _spans(home / account.lower() / "work" / "reports") for account in LISTS}
    for name, count in found.items():
        print(f"list {name}: {count} members, {expected[name]} expected")
    alone = all(one[1] <= other[0] for each in spans.values() for one, other in pairwise(each))
    beside = any(a[0] < b[1] and b[0] < a[1] for x, y in combinations(spans.values(), 2) for a in x for b in y)
    print(f"one export at a time in each account: {alone}; accounts beside each other: {beside}")
    return 0 if found == expected and alone and beside else 1


def _spans(reports: Path) -> list[tuple[str, str]]:
    """When each run of an account began and ended, in order."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in reports.iterdir()]
    return sorted((document["started_at"], document["ended_at"]) for document in documents)


if __name__ == "__main__":
    sys.exit(main())
