"""Commands that ask a shop."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from wares.cli import common
from wares.cli.adding import warn
from wares.cli.common import (
    cli,
    err,
    filters,
    json_option,
    k_option,
    out,
    print_answer,
    print_json,
    shop_argument,
    where_option,
)
from wares.errors import SettingError


@cli.command()
@shop_argument
@click.argument("query")
@k_option
@where_option
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0), help="Skip that many.")
@json_option
def search(shop: Path, query: str, k: int, where: str | None, offset: int, as_json: bool) -> None:
    """Products for QUERY, by words and meaning."""
    print_answer(common.open_folder(shop).search(query, k=k, where=filters(where), offset=offset), as_json)


@cli.command()
@shop_argument
@click.argument("product", required=False)
@k_option
@where_option
@click.option("--by", metavar="ASPECT", help="text, image, behaviour, attributes or price: by that alone.")
@click.option("--image", type=click.Path(path_type=Path), help="A photo: products that look like it.")
@click.option("--together", is_flag=True, help="What is bought with it instead.")
@json_option
def similar(
    shop: Path,
    product: str | None,
    k: int,
    where: str | None,
    by: str | None,
    image: Path | None,
    together: bool,
    as_json: bool,
) -> None:
    """Products like PRODUCT, or like a photo."""
    if (product is None) == (image is None):
        raise SettingError("give a product or --image, and not both")
    if together and (where is not None or by is not None or image is not None):
        raise SettingError(
            "--where, --by and --image are of what is similar, not of what is bought together; leave one of the two out"
        )
    if by is not None and image is not None:
        raise SettingError("a photo is compared by image: leave --by out")
    opened = common.open_folder(shop)
    if image is not None:
        answer = opened.similar_to_photo(image, k=k, where=filters(where))
    elif together:
        answer = opened.bought_together(product, k=k)
    else:
        answer = opened.similar(product, k=k, where=filters(where), by=by)
    print_answer(answer, as_json)


@cli.command()
@shop_argument
@click.option("--shopper", help="A shopper of the event log.")
@click.option("--basket", help="Product ids, separated by commas: an anonymous basket.")
@click.option("--profile", metavar="TEXT", help='What a shopper says: "runner, two kids, likes green tea".')
@k_option
@where_option
@click.option("--repeats", is_flag=True, help="Products bought before may be answered.")
@click.option("--model", metavar="NAME", help="By this recommender alone; see `wares algorithms`.")
@click.option("--diverse", default=0.0, type=click.FloatRange(0, 1), help="0 to 1: products unlike each other.")
@click.option("--out-of-stock", is_flag=True, help="What is sold out may be answered.")
@click.option("--why", is_flag=True, help="Whole reasons: every share, and the products it rests on.")
@json_option
def recommend(
    shop: Path,
    shopper: str | None,
    basket: str | None,
    profile: str | None,
    k: int,
    where: str | None,
    repeats: bool,
    model: str | None,
    diverse: float,
    out_of_stock: bool,
    why: bool,
    as_json: bool,
) -> None:
    """Products for a shopper, for a basket, for what a shopper says, or (with none of these) for a stranger."""
    from wares.progress import Bars

    products = None if basket is None else [each.strip() for each in basket.split(",") if each.strip()]
    if products == []:
        raise SettingError(f"--basket {basket!r} names no product; give ids with commas between them: P1,P2")
    with Bars(err, quiet=model is None) as bars:
        answer = common.open_folder(shop).recommend(
            shopper=shopper,
            basket=products,
            profile=profile,
            k=k,
            where=filters(where),
            repeats=repeats,
            model=model,
            diverse=diverse,
            out_of_stock=out_of_stock,
            observer=bars,
        )
    print_answer(answer, as_json, whole=why)


@cli.command()
@shop_argument
@click.option("--models", metavar="NAMES", help="Judge these recommenders on one split, now: all, or ease,popular.")
@click.option("--split", metavar="KIND", help="time (the default), last or random: what is held out to test on.")
@click.option("--sampled", type=int, metavar="N", help="Refused, with the reason: every product is ranked.")
@json_option
def evaluate(shop: Path, models: str | None, split: str | None, sampled: int | None, as_json: bool) -> None:
    """How good the answers are, measured on the shop's own events and categories."""
    from wares.progress import Bars, quality

    if sampled is not None:
        from wares.tasks.evaluating import refuse_sampled

        refuse_sampled(sampled)
    with Bars(err, quiet=as_json or (models is None and split is None)) as bars:
        found = common.open_folder(shop).evaluate(models, split, observer=bars)
    print_json(found) if as_json else quality(out, found)


@cli.command()
@shop_argument
@json_option
def info(shop: Path, as_json: bool) -> None:
    """What the newest build holds: data, cleaning, models, quality, time and memory."""
    from wares.progress import summary

    opened = common.open_folder(shop)
    found = {**opened.info(), "drift": opened.drift()}
    if as_json:
        print_json(found)
        return
    summary(out, found)
    if found["drift"]["due"]:
        warn(found["drift"]["said"], shop)


@cli.command()
@json_option
def algorithms(as_json: bool) -> None:
    """Every algorithm that can be named in shop.toml, and what it needs."""
    from wares.registry import listing

    found = listing()
    if as_json:
        print_json({"algorithms": found})
        return
    table = Table(box=None, pad_edge=False)
    for name in ("role", "name", "what it is", "needs"):
        table.add_column(name, overflow="fold")
    for each in found:
        # As texts: "wares[sentence]" is a package with an extra, not a style.
        table.add_row(*(Text(each[name]) for name in ("role", "name", "summary", "needs")))
    out.print(table)


@cli.command()
@shop_argument
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
def export(shop: Path, folder: Path, form: str) -> None:
    """Write products with cluster and category, clusters, neighbours and recommendations into FOLDER."""
    for path in common.open_folder(shop).export(folder, format=form):
        click.echo(path)
