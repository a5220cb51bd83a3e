"""Commands about products that come in between two builds."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from wares.cli import common
from wares.cli.common import cli, err, json_option, out, print_json, shop_argument
from wares.errors import SettingError

if TYPE_CHECKING:
    from wares.data.answers import Placed


@cli.command()
@shop_argument
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--delete", multiple=True, metavar="ID", help="A product that is to be gone from the next build on.")
@click.option("--dry-run", is_flag=True, help="Say which clusters they would go to; change nothing.")
@json_option
def add(shop: Path, file: Path | None, delete: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Take in the new and changed products of FILE now, and say each one's cluster.

    Search and similar products know them after the next build.
    """
    if file is None and not delete:
        raise SettingError(f"nothing to take in: wares add {shop} FILE, or --delete ID")
    with common.open_folder(shop) as opened:
        placed = [] if file is None else opened.place(file) if dry_run else opened.add_products(file)
        gone = 0 if dry_run or not delete else opened.delete_products(delete)
        drift = {} if dry_run or not placed else opened.drift()
    if as_json:
        print_json({"products": [each.json() for each in placed], "deleted": gone, "drift": drift or None})
        return
    if placed:
        _print(placed)
        said = "nothing was changed" if dry_run else "search finds them after the next build"
        new = sum(each.new for each in placed)
        out.print(f"[dim]{new:,} new, {len(placed) - new:,} changed; {said}[/dim]")
    if gone:
        out.print(f"[dim]{gone:,} deleted, from the next build on[/dim]")
    if drift.get("due"):
        warn(drift["said"], shop)


@cli.command()
@shop_argument
@json_option
def drift(shop: Path, as_json: bool) -> None:
    """Whether the products that came in since the build still suit its clusters."""
    with common.open_folder(shop) as opened:
        found = opened.drift()
    if as_json:
        print_json(found)
        return
    if found["due"]:
        warn(found["said"], shop)
    else:
        out.print(Text(found["said"]))
    if found["most_moved"]:
        cluster = found["most_moved"]["cluster"]
        moved = f"what came to {cluster['name']} (#{cluster['id']}) lies {found['most_moved']['by']:.2f} from its mean"
        out.print(Text(moved))


def warn(said: str, shop: Path) -> None:
    """Say that a new clustering is due, with the command for it."""
    err.print("[yellow]note[/yellow]", Text(said.replace("`wares build`", f"`wares build {shop}`")))


def _print(placed: "list[Placed]") -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "title", "", "cluster", "distance"):
        table.add_column(name, overflow="fold", justify="right" if name == "distance" else "left")
    for each in placed:
        distance = f"{each.distance:.2f}{' (far)' if each.far else ''}"
        cluster = f"{each.cluster['name']} (#{each.cluster['id']})"
        table.add_row(*map(Text, (each.id, each.title, "new" if each.new else "changed", cluster, distance)))
    out.print(table)
