"""Dagster: an asset for each segment of each account, many accounts at once, one export at a time in each.

`dagster dev -f definitions.py`, or as `try_it.py` runs it. Dagster reads annotations as types: they are not postponed.
"""

from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    Definitions,
    DynamicOut,
    DynamicOutput,
    MaterializeResult,
    OpExecutionContext,
    RetryPolicy,
    ScheduleDefinition,
    asset,
    define_asset_job,
    job,
    multiprocess_executor,
    op,
)
from exports import Export, all_exports, run
from prepared_files import handed_over, write_part

ACCOUNT = "klaviyo/account"
# Klaviyo's quota is an account's, and one export fills it: a second one beside it would only wait.
EXECUTOR = multiprocess_executor.configured(
    {
        "max_concurrent": 4,
        "tag_concurrency_limits": [{"key": ACCOUNT, "value": {"applyLimitPerUniqueValue": True}, "limit": 1}],
    }
)
PARTS = 4


def asset_of(export: Export) -> AssetsDefinition:
    """A list in Klaviyo, as fresh as its last export."""

    @asset(
        name=export.segment,
        key_prefix=["klaviyo", export.account],
        op_tags={ACCOUNT: export.account},
        retry_policy=RetryPolicy(max_retries=1, delay=5),
        description=f"The list {export.target['list_id']} of the Klaviyo account {export.account}.",
    )
    def exported(context: AssetExecutionContext) -> MaterializeResult[Any]:
        report = run(export)
        context.log.info("rows: %s", report["totals"])
        return MaterializeResult(metadata=_shown(report))

    return exported


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    """What Dagster shows beside the asset, and draws over time."""
    fates = ("read", "delivered", "rejected", "unchanged", "removed", "failed")
    return {fate: report["totals"][fate] for fate in fates} | {"run": report["run_id"], "seconds": report["seconds"]}


@op(out=DynamicOut(int))
def parts() -> Any:  # noqa: ANN401  # what Dagster makes of a generator
    """Cut the work."""
    for number in range(PARTS):
        yield DynamicOutput(number, mapping_key=f"part_{number}")


@op
def prepare(part: int) -> str:
    """Make one part of the segment, in a process of its own or on a machine of its own; to its file."""
    return str(write_part(part, PARTS))


@op(tags={ACCOUNT: "east"})
def hand_over(context: OpExecutionContext, files: list[str]) -> None:
    """Export what was prepared: the target reads the files, no row goes through Dagster."""
    (export, *_) = (each for each in all_exports() if each.account == "east")
    context.log.info("rows: %s", run(export, handed_over(files, export.segment))["totals"])


@job(executor_def=EXECUTOR)
def prepared() -> None:
    """A segment that many workers prepare as files, and one export delivers."""
    hand_over(parts().map(prepare).collect())


exports = define_asset_job("exports", selection="*", executor_def=EXECUTOR)
daily = ScheduleDefinition(job=exports, cron_schedule="0 4 * * *")
defs = Definitions(assets=[asset_of(export) for export in all_exports()], jobs=[exports, prepared], schedules=[daily])
