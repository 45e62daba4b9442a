"""`meltano run` from a PostgreSQL, with both taps that people use and the jobs of this repository's meltano.yml."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.meltano, pytest.mark.postgres]

TARGET = "target-klaviyo-segments"
SDK, PIPELINEWISE = "tap-postgres", "tap-postgres-pipelinewise"
TABLE = """
CREATE TABLE people (
  customer_id integer PRIMARY KEY, email text, given_name text, tier text, spent numeric(10, 2),
  updated_at timestamptz NOT NULL DEFAULT now()
);
"""
# A tap cannot read beyond the 40th person: the segment comes in halves.
BROKEN = """
ALTER TABLE people RENAME TO everybody;
CREATE VIEW people AS
  SELECT customer_id, email, (1 / (customer_id - 40))::text AS given_name, tier, spent, updated_at
  FROM everybody ORDER BY customer_id;
"""
MENDED = "DROP VIEW people; ALTER TABLE everybody RENAME TO people;"


def join(postgres, *ids):
    rows = ", ".join(f"({i}, 'p{i}@example.com', 'P{i}', 'gold', 12.50)" for i in ids)
    postgres.sql(f"INSERT INTO people (customer_id, email, given_name, tier, spent) VALUES {rows}")  # noqa: S608  # ours
    return {f"p{i}@example.com" for i in ids}


@pytest.mark.parametrize("tap", [SDK, PIPELINEWISE])
def test_a_table_arrives_whole(shop, postgres, tap):
    """Each person with an e-mail is on the list with the row's values; the row without one is in the rejects."""
    postgres.sql(TABLE)
    people = join(postgres, 1, 2, 3)
    postgres.sql("INSERT INTO people (customer_id, email) VALUES (4, NULL)")
    assert shop.run(tap, TARGET), shop.said
    assert set(shop.members()) == people
    assert (shop.totals["delivered"], shop.totals["rejected"]) == (3, 1)
    assert shop.members()["p1@example.com"]["first_name"] == "P1"
    assert shop.members()["p1@example.com"]["properties"]["spent"] == 12.5


def test_the_second_incremental_run_sends_only_what_is_new(shop, postgres):
    """The job `incremental`: Meltano keeps the bookmark. The row at it comes once more, for taps read from >= there."""
    postgres.sql(TABLE)
    first = join(postgres, 1, 2, 3)
    postgres.sql("UPDATE people SET updated_at = now() - customer_id * interval '1 hour'")
    assert shop.run("incremental"), shop.said
    assert shop.totals["read"] == 3
    second = join(postgres, 4)
    assert shop.run("incremental"), shop.said
    assert shop.totals["read"] == shop.totals["delivered"] == 2
    assert set(shop.members()) == first | second


def test_the_job_full_reads_everybody_each_time(shop, postgres):
    """The job of the daily schedule."""
    postgres.sql(TABLE)
    people = join(postgres, 1, 2)
    for _ in range(2):
        assert shop.run("full"), shop.said
        assert shop.totals["read"] == 2
    assert set(shop.members()) == people


def test_who_is_deleted_in_the_source_leaves_the_list(shop, postgres):
    """Log-based, by wal2json: a delete comes with the key alone, of who came by the log or with the first copy."""
    postgres.sql(TABLE)
    postgres.sql("SELECT pg_create_logical_replication_slot('pipelinewise_shop', 'wal2json')")
    join(postgres, 1, 2, 3)
    try:
        assert shop.run("tap-postgres-log", TARGET), shop.said
        assert len(shop.members()) == 3
        join(postgres, 4)
        assert shop.run("tap-postgres-log", TARGET), shop.said
        assert len(shop.members()) == 4
        postgres.sql("DELETE FROM people WHERE customer_id IN (1, 4)")
        assert shop.run("tap-postgres-log", TARGET), shop.said
    finally:
        postgres.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
        postgres.sql("SELECT pg_drop_replication_slot('pipelinewise_shop')")
    assert set(shop.members()) == {"p2@example.com", "p3@example.com"}
    assert shop.totals["removed"] == 2


@pytest.mark.parametrize("tap", [SDK, PIPELINEWISE])
def test_a_mirror_loses_nobody_to_a_tap_that_dies(shop, postgres, tap):
    """The tap dies half way: Meltano's status says so and nobody leaves; the next run takes off who left."""
    # One closes the version that it sent; the other just ends.
    mirror = {"sync_mode": "mirror", "mirror_on_end_of_input": tap == SDK}
    shop.environment["TAP_POSTGRES_PIPELINEWISE_ITERSIZE"] = "10"
    postgres.sql(TABLE)
    people = join(postgres, *range(1, 81))
    assert shop.run(tap, TARGET, **mirror), shop.said
    postgres.sql("DELETE FROM people WHERE customer_id IN (5, 70)")
    postgres.sql(BROKEN)
    assert not shop.run(tap, TARGET, **mirror)
    assert set(shop.members()) == people
    postgres.sql(MENDED)
    assert shop.run(tap, TARGET, **mirror), shop.said
    assert people - set(shop.members()) == {"p5@example.com", "p70@example.com"}
