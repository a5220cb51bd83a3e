"""Commands that make a shop."""

from pathlib import Path

import click

from wares.cli.common import careful, cli, err, out, pairs, shop_argument
from wares.cli.serving import check_free, serve_shop
from wares.errors import StoreError
from wares.memory import be_sparing


@cli.command()
@shop_argument
@click.option(
    "--products", "-p", multiple=True, metavar="FILE", help="Product file(s): CSV, TSV, JSONL, Parquet, xlsx; .gz too."
)
@click.option("--events", "-e", multiple=True, metavar="FILE", help="Event file(s), the same kinds.")
@click.option("--shoppers", "-s", multiple=True, metavar="FILE", help="Shopper attributes, one row a shopper.")
@click.option("--reviews", "-r", multiple=True, metavar="FILE", help="Reviews: product, text, rating if there is one.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="OURS=THEIRS",
    help="A column by its name in the file: title=Description, or events.value=Qty.",
)
@click.option(
    "--kind", "kinds", multiple=True, metavar="X=KIND", help="What an event kind of the file means: click=view."
)
@click.option(
    "--set", "settings", multiple=True, metavar="TABLE.KEY=VALUE", help="A setting of shop.toml: cluster.n_clusters=40."
)
@click.option("--merge-duplicates", is_flag=True, help="Show products alike in every attribute as one.")
@click.option("--allow-unmatched", is_flag=True, help="Go on where under 90 % of events find their product.")
@click.option("--dry-run", is_flag=True, help="Check settings and files' columns; change nothing.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def build(
    shop: Path,
    products: tuple[str, ...],
    events: tuple[str, ...],
    shoppers: tuple[str, ...],
    reviews: tuple[str, ...],
    maps: tuple[str, ...],
    kinds: tuple[str, ...],
    settings: tuple[str, ...],
    merge_duplicates: bool,
    allow_unmatched: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Build SHOP from files; without files, from those its shop.toml remembers."""
    be_sparing()
    from wares.making import build_shop, plan_shop
    from wares.progress import Bars, summary
    from wares.sources import Asked

    asked = Asked(
        products=list(products) or None,
        events=list(events) or None,
        shoppers=list(shoppers) or None,
        reviews=list(reviews) or None,
        columns=pairs(maps, "--map"),
        kinds=pairs(kinds, "--kind"),
        settings=pairs(settings, "--set"),
        merge_duplicates=merge_duplicates or None,
        allow_unmatched=allow_unmatched or None,
    )
    if dry_run:
        plan_shop(shop, asked)
        out.print("the settings and files are sound; nothing was changed")
        return
    careful()
    with Bars(err, quiet=quiet) as bars:
        made = build_shop(shop, **vars(asked), observer=bars)
    if not quiet:
        summary(out, made.info())


@cli.command()
@click.argument("shop", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--no-serve", is_flag=True, help="Stop after the build.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def demo(shop: Path, no_serve: bool, host: str, port: int) -> None:
    """Build the demo shop (a real grocer: 92,331 products, 1.47 million purchases) and serve it."""
    from wares.demo import SETTINGS, prepare
    from wares.making import build_shop
    from wares.progress import Bars, summary

    if shop.exists() and not shop.is_dir():
        raise StoreError(f"{shop} is a file, not a folder; a shop needs a folder of its own")
    if not no_serve:
        check_free(host, port)
    careful()
    with Bars(err) as bars:
        with bars.step("prepare the data"):
            products, events, shoppers = prepare(shop / "data")
        made = build_shop(
            shop, products=[products], events=[events], shoppers=[shoppers], settings=SETTINGS, observer=bars
        )
    summary(out, made.info())
    if not no_serve:
        serve_shop(shop, host, port, 2)
