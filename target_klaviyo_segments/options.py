"""Options of the command line beyond the SDK's."""

from __future__ import annotations

import click


def options() -> list[click.Parameter]:
    """As click wants them."""
    return [
        click.Option(
            ["--check"],
            is_flag=True,
            help="Tell whether the connection works: key, scopes, lists, folder. Reads no input, writes nothing but "
            "a new token of OAuth.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="With --check: print a JSON document."),
        click.Option(
            ["--dry-run"],
            is_flag=True,
            help="Foretell what a run over this input would do, in plan.json. Writes nothing to Klaviyo, and no STATE.",
        ),
        click.Option(["--full"], is_flag=True, help="Send everybody, whatever `unchanged_profiles` says."),
        click.Option(
            ["--allow-removals"],
            type=click.IntRange(min=0),
            metavar="N",
            help="Let a mirror take up to N people off in this run, whatever `max_removal_percent` says.",
        ),
        click.Option(
            ["--retry"],
            metavar="RUN_ID",
            help="Send the rejected and failed rows of a run again, once the cause is mended; reads no input.",
        ),
    ]
