"""Commands about categories: learned from labels, found for products, asked about, doubted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from wares.cli import common
from wares.cli.common import (
    Group,
    careful,
    check_out,
    cli,
    err,
    json_option,
    out,
    pairs,
    print_json,
    seconds_of,
    shop_argument,
)
from wares.errors import SettingError

if TYPE_CHECKING:
    from wares.data.answers import Classified


class _Classify(Group):
    """`wares classify train SHOP` learns; `wares classify SHOP` with anything else asks."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; what is no command of the group is a shop."""
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["products", *args]
        return super().parse_args(ctx, args)


@cli.group(cls=_Classify)
def classify() -> None:
    """Find the categories of products: `classify SHOP FILE`; or learn them from labels: `classify train SHOP`.

    `wares classify products --help` tells the options of `wares classify SHOP`.
    """


map_option = click.option(
    "--map", "maps", multiple=True, metavar="OURS=THEIRS", help="A column by its name in the file: label=Node."
)
taxonomy_option = click.option(
    "--taxonomy", type=click.Path(path_type=Path), help="All categories there are: paths, or parent and child."
)


@classify.command()
@shop_argument
@click.option("--labels", type=click.Path(path_type=Path), help="Products' ids (or titles) and their categories.")
@taxonomy_option
@map_option
@click.option("--own", is_flag=True, help="Learn from the categories of the product files too.")
@click.option("--accuracy", type=click.FloatRange(0, 1), help="Share of answers that shall be right; others are cut.")
@click.option("--method", help="A labeller by name (see `wares algorithms`).")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the method: prior=0.5.")
@click.option("--dry-run", is_flag=True, help="Read the labels and say what they are; change nothing.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@json_option
def train(
    shop: Path,
    labels: Path | None,
    taxonomy: Path | None,
    maps: tuple[str, ...],
    own: bool,
    accuracy: float | None,
    method: str | None,
    settings: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Have SHOP learn categories from labels; it then finds them for all its products."""
    from wares.categories import train as learn
    from wares.progress import Bars

    careful()
    with Bars(err, quiet=quiet or as_json) as bars:
        found = learn(
            shop,
            labels=labels,
            taxonomy=taxonomy,
            columns=pairs(maps, "--map"),
            own=True if own else None,
            accuracy=accuracy,
            method=method,
            settings=pairs(settings, "--set"),
            dry_run=dry_run,
            observer=bars,
        )
    if as_json:
        print_json(found)
    elif not quiet:
        for line in found["said"]:
            out.print(Text(line))


@classify.command()
@shop_argument
@click.argument("file", required=False, type=click.Path(path_type=Path))
@taxonomy_option
@map_option
@click.option("--accuracy", type=click.FloatRange(0, 1), help="Share of answers that shall be right; others are cut.")
@click.option("--ask", type=click.IntRange(1, 10_000), help="So many products whose label would teach most.")
@click.option("--doubt", type=click.IntRange(1, 10_000), help="So many labels that are most likely wrong.")
@click.option("--why", is_flag=True, help="With what speaks for each answer.")
@click.option("--out", "-o", "to", type=click.Path(path_type=Path), help="The file to write: .csv, .jsonl or .json.")
@json_option
def products(
    shop: Path,
    file: Path | None,
    taxonomy: Path | None,
    maps: tuple[str, ...],
    accuracy: float | None,
    ask: int | None,
    doubt: int | None,
    why: bool,
    to: Path | None,
    as_json: bool,
) -> None:
    """The categories of the products in FILE: path, probability, and what else it may be.

    By what SHOP has learned; or with --taxonomy by meaning alone, without any label.
    """
    if sum(each is not None for each in (file, ask, doubt)) != 1:
        raise SettingError(f"give one of a file of products, --ask N and --doubt N: wares classify {shop} new.csv")
    check_out(to, file)
    with common.open_folder(shop) as opened:
        if file is not None:
            columns = pairs(maps, "--map")
            found = opened.classify(file, taxonomy=taxonomy, columns=columns, accuracy=accuracy, why=why)
        elif ask is not None:
            found = opened.ask(ask)
        else:
            found = opened.doubt(doubt)
    if to is not None:
        _write(found, to, ask=ask is not None)
        err.print(f"[dim]{len(found):,} products in[/dim]", Text(str(to), "dim"))
    elif as_json:
        print_json({"products": [each.json() for each in found]})
    else:
        _print(found)


@classify.command()
@shop_argument
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2, 50), help="Parts held out in turn.")
@click.option("--budget", help="Look for better settings first, for so long: 90s, 5m.")
@json_option
def judge(shop: Path, folds: int, budget: str | None, as_json: bool) -> None:
    """How well SHOP's labels can be learned: on products held out, by level, with what to be warned of."""
    from wares.categories import judge as judged

    found = judged(shop, folds=folds, budget=None if budget is None else seconds_of(budget))
    if as_json:
        print_json(found)
        return
    for line in found["said"]:
        out.print(Text(line))
    table = Table(box=None, pad_edge=False)
    for name in ("level", "classes", "accuracy", "macro F1", "weighted F1"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for level, each in found["levels"].items():
        low, high = (each["intervals"]["accuracy"][end] for end in ("low", "high"))
        shown = (f"{each['accuracy']:.1%} ({low:.1%} to {high:.1%})", f"{each['macro_f1']:.3f}")
        table.add_row(level, f"{each['classes']:,}", *shown, f"{each['weighted_f1']:.3f}")
    out.print(table)
    out.print(f"probabilities are off by {found['calibration_error']:.1%} on average")
    for wanted, share in found["at"].items():
        out.print(f"for {float(wanted):.0%} right answers, {share:.0%} of the products get one")
    for each in found["leaks"]:
        out.print("[yellow]note[/yellow]", Text(each["said"]))
    for each in found["tried"][:5]:
        out.print(Text(f"macro F1 {each['macro_f1']:.3f} from {each['rows']:,} products: {each['settings']}"))


def _print(found: "Sequence[Classified]") -> None:
    table = Table(box=None, pad_edge=False)
    told = any(each.reasons for each in found)
    names = ("id", "title", *(["labelled"] if any(each.given for each in found) else []), "category", "sure")
    for name in (*names, "or", *(["why"] if told else [])):
        table.add_column(name, overflow="fold", justify="right" if name == "sure" else "left")
    for each in found[:200]:
        cells = [each.id, each.title, *([each.given] if "labelled" in names else [])]
        cells += [each.path or "not sure", f"{each.probability:.0%}{'' if each.sure or not each.path else ' (cut)'}"]
        cells.append("; ".join(f"{other.path} {other.probability:.0%}" for other in each.alternatives[:1]))
        why = "; ".join(each.text for each in each.reasons if each.text != "other")
        table.add_row(*map(Text, [*cells, *([why] if told else [])]))
    out.print(table) if found else out.print("no product")
    if len(found) > 200:
        out.print(f"[dim]and {len(found) - 200:,} more: see them all with -o FILE or --json[/dim]")


def _write(found: "Sequence[Classified]", path: Path, *, ask: bool) -> None:
    """A table; of products to be labelled one that `train --labels` reads once its empty column is filled in."""
    import polars as pl

    from wares.matches import said, written

    rows: list[dict[str, Any]] = [
        {
            "id": each.id,
            "title": each.title,
            **({"label": ""} if ask else {"label": each.given} if each.given else {}),
            **({"guess": each.path} if ask else {"suggested" if each.given else "found": each.path}),
            "probability": each.probability,
            **({} if ask else {"sure": each.sure}),
            "or": each.alternatives[0].path if each.alternatives else "",
            **({"why": said(each.reasons)} if each.reasons else {}),
        }
        for each in found
    ]
    written(pl.DataFrame(rows, infer_schema_length=None), path, rows if ask else [each.json() for each in found])
