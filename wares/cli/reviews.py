"""What reviews say of a product."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from wares.cli import common
from wares.cli.common import cli, json_option, out, print_json, shop_argument

if TYPE_CHECKING:
    from wares.data.opinions import Opinion


@cli.command()
@shop_argument
@click.argument("product")
@json_option
def reviews(shop: Path, product: str, as_json: bool) -> None:
    """What reviews say of PRODUCT: how much they praise it and each of its aspects, and the sentences that do.

    A shop gets reviews by `wares build SHOP --reviews FILE`.
    """
    with common.open_folder(shop) as opened:
        found = opened.reviews(product)
    if as_json:
        print_json(found.json())
        return
    if found.whole is None:
        out.print(f"nobody has reviewed it yet; the shop's mean is {found.usual:.0%}")
        return
    stars = "" if found.rating is None else f", {found.rating:.1f} of 5 stars"
    said = f"{found.whole.sentiment:.0%} praise in {found.reviews:,} review{'s' if found.reviews > 1 else ''}{stars}"
    out.print(f"{said} (the shop's mean is {found.usual:.0%})")
    table = Table(box=None, pad_edge=False)
    for name, justify in (("aspect", "left"), ("praise", "right"), ("reviews", "right"), ("such as", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for each in (found.whole, *found.aspects):
        table.add_row(Text(each.aspect or "all"), f"{each.sentiment:.0%}", f"{each.reviews:,}", Text(_such_as(each)))
    out.print(table)
    out.print(Text(f"sentiment {found.said}", "dim"))


def _such_as(opinion: "Opinion") -> str:
    said = (("+", opinion.praise), ("-", opinion.blame))
    return "  ".join(f"{sign} {' '.join(each.text.split())}" for sign, each in said if each is not None)
