"""The command that finds what recommends best."""

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from wares.cli.common import careful, cli, err, json_option, out, print_json, seconds_of, shop_argument


@cli.command()
@shop_argument
@click.option("--budget", default="10m", show_default=True, help="Time to search, such as 90s, 10m or 1h.")
@click.option("--models", default="all", show_default=True, metavar="NAMES", help="Recommenders to try: ease,als.")
@click.option("--yes", is_flag=True, help="Write what is better to shop.toml and build, without asking.")
@click.option("--dry-run", is_flag=True, help="Say what was found; change nothing.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@json_option
def tune(shop: Path, budget: str, models: str, yes: bool, dry_run: bool, quiet: bool, as_json: bool) -> None:
    """Try recommenders and their settings on SHOP's own events, and keep the best blend."""
    from wares.progress import Bars
    from wares.tuning import tune_shop

    seconds = seconds_of(budget)
    careful()
    with Bars(err, quiet=quiet or as_json) as bars:

        def agree(found: dict[str, Any]) -> bool:
            if yes:
                return True
            with bars.aside():
                for line in found["said"]:
                    err.print(Text(line))
                return click.confirm("write this to shop.toml and build?", err=True)

        found = tune_shop(shop, budget=seconds, models=models, dry_run=dry_run, agree=agree, observer=bars)
    if as_json:
        print_json(found)
    elif not quiet:
        out.print(Text(found["protocol"], "dim"))
        for line in found["said"]:
            out.print(Text(line))
