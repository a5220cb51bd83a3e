"""Commands that find one product across shops, and twice in one catalog; they need no shop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from wares.cli import common
from wares.cli.common import cli, json_option, out, pairs, print_json

_MAP = "Our name for a column of the files, such as title=Name; for one file alone theirs.title=Name."
_SHOWN = 20

map_option = click.option("--map", "columns", multiple=True, metavar="OURS=THEIRS", help=_MAP)
labels_option = click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Judged pairs: columns ours, theirs and same (1 or 0). Without it, by what other shops' pairs have told.",
)
matcher_option = click.option("--matcher", help="boosted, linear or fellegi_sunter.")
threshold_option = click.option("--threshold", type=float, help="The least probability; otherwise where it does best.")
to_option = click.option(
    "-o", "--out", "to", type=click.Path(path_type=Path), help="The file to write: .csv, .jsonl or .json."
)


@cli.command()
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@to_option
@labels_option
@map_option
@matcher_option
@threshold_option
@click.option("--once/--often", default=None, help="Whether an offer has one partner at most.")
@json_option
def match(
    ours: Path,
    theirs: Path,
    to: Path | None,
    labels: Path | None,
    columns: tuple[str, ...],
    matcher: str | None,
    threshold: float | None,
    once: bool | None,
    as_json: bool,
) -> None:
    """The offers of OURS and THEIRS that are one product, with probability and reasons."""
    from wares import matches

    common.careful()
    common.check_out(to, ours, theirs, labels)
    one, other = matches.mapped(pairs(columns, "--map"), ours, theirs)
    found = matches.match(
        ours, theirs, labels, columns=one, their_columns=other, matcher=matcher, threshold=threshold, once=once
    )
    if to is not None:
        found.write(to)
    if as_json:
        print_json(found.json())
        return
    if to is None:
        table = Table(box=None, pad_edge=False)
        for name in ("probability", "ours", "theirs", "why"):
            table.add_column(name, overflow="fold")
        for each in found.matches[:_SHOWN]:
            titles = (f"{each.ours}  {each.our_title}", f"{each.theirs}  {each.their_title}")
            table.add_row(f"{each.probability:.3f}", *map(Text, (*titles, matches.said(each.reasons))))
        out.print(table)
        if len(found) > _SHOWN:
            out.print(f"[dim]and {len(found) - _SHOWN:,} more; write them all with -o matches.csv[/dim]")
    _told(f"{len(found):,} matches", found.facts, to)


@cli.command()
@click.argument("catalog", type=click.Path(path_type=Path))
@to_option
@labels_option
@map_option
@matcher_option
@threshold_option
@click.option("--seller", help="The column that says whose an offer is; by default one recognised as such.")
@json_option
def dedupe(
    catalog: Path,
    to: Path | None,
    labels: Path | None,
    columns: tuple[str, ...],
    matcher: str | None,
    threshold: float | None,
    seller: str | None,
    as_json: bool,
) -> None:
    """The offers of CATALOG that are one product, as groups; no two of one seller, where sellers are known."""
    from wares import matches

    common.careful()
    common.check_out(to, catalog, labels)
    found = matches.dedupe(
        catalog,
        labels,
        columns=pairs(columns, "--map"),
        matcher=matcher,
        threshold=threshold,
        seller=seller or "seller",
    )
    if to is not None:
        found.write(to)
    if as_json:
        print_json(found.json())
        return
    if to is None:
        for group in found.json()["groups"][:_SHOWN]:
            out.print(Text(", ".join(group)))
    _told(f"{found.facts['offers']:,} offers of {found.facts['products']:,} products", found.facts, to)


def _told(what: str, facts: Mapping[str, Any], to: Path | None) -> None:
    where = f", in {to}" if to is not None else ""
    judged = f"{facts['judged']} judged pairs" if facts["judged"] else "what other shops' pairs have told"
    note = f"; {facts['without_title']} without a title" if facts["without_title"] else ""
    out.print(
        f"[dim]{what}{where}; {facts['pairs']:,} pairs looked at, by {judged}, from probability {facts['threshold']} "
        f"on{note}; {facts['seconds']} s[/dim]"
    )
