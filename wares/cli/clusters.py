"""Commands about the clusters of a shop."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from wares.cli import common
from wares.cli.common import careful, cli, err, json_option, out, pairs, print_json, seconds_of, shop_argument
from wares.errors import SettingError


@cli.command()
@shop_argument
@click.option("--tree", is_flag=True, help="In departments.")
@click.option("--rename", metavar="ID=NAME", multiple=True, help="Call a cluster by a name of yours.")
@json_option
def clusters(shop: Path, tree: bool, rename: tuple[str, ...], as_json: bool) -> None:
    """The groups of products, with names."""
    opened = common.open_folder(shop)
    for id, name in pairs(rename, "--rename").items():
        if not id.isdigit():
            raise SettingError(f"--rename {id}={name}: {id!r} is not the id of a cluster, which is a number")
        opened.rename_cluster(int(id), name)
    if tree:
        _print_tree(opened.departments(), as_json)
        return
    found = opened.clusters()
    if as_json:
        print_json({"clusters": [each.json() for each in found]})
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "size", "name", "prices", "revenue", "keywords"):
        table.add_column(name, justify="left" if name in ("name", "keywords") else "right", overflow="fold")
    for each in sorted(found, key=lambda c: -c.size):
        prices = "" if each.prices is None else f"{each.prices[0]:,.2f}-{each.prices[2]:,.2f}"
        revenue = "" if each.revenue is None else f"{each.revenue:,.0f}"
        words = Text(", ".join(each.keywords))
        table.add_row(str(each.id), f"{each.size:,}", Text(each.name), prices, revenue, words)
    out.print(table)


def _print_tree(departments: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        plain = [{**each, "clusters": [one.json() for one in each["clusters"]]} for each in departments]
        print_json({"departments": plain})
        return
    for each in departments:
        branch = Tree(Text(f"{each['name']} ({each['size']:,})", "bold"))
        for one in each["clusters"]:
            branch.add(Text(f"{one.name} ({one.size:,})  #{one.id}"))
        out.print(branch)


@cli.command()
@shop_argument
@click.argument("product")
@click.option("--cluster", "about", flag_value="cluster", default=True, help="Why it is in its cluster.")
@json_option
def why(shop: Path, product: str, about: str, as_json: bool) -> None:
    """Why PRODUCT is where it is, and what would move it."""
    found = common.open_folder(shop).why_cluster(product)
    if as_json:
        print_json(found)
        return
    cluster, rival = found["cluster"], found["runner_up"]
    out.print(Text(f"{found['title']} is in {cluster['name']} (#{cluster['id']})"))
    if rival is not None:
        out.print(Text(f"next nearest: {rival['name']} (#{rival['id']}), {rival['farther']:.0%} farther"))
    for each in found["reasons"]:
        near = f"; nearest members: {', '.join(each['products'])}" if each["products"] else ""
        out.print(Text(f"  {each['share']:.0%} {each['text']}{near}"))
    for each in found["terms"]:
        out.print(
            Text(f"  word {each['word']!r}: {each['here']:.0%} of the cluster, {each['elsewhere']:.0%} elsewhere")
        )
    for each in found["attributes"]:
        share = f"{each['here']:.0%} of the cluster, {each['elsewhere']:.0%} elsewhere"
        out.print(Text(f"  {each['column']} {each['value']}: {share}"))
    for each in found["would_move"]:
        out.print(Text(f"  without {each['without']} it would be in {each['to']['name']} (#{each['to']['id']})"))
    if not found["would_move"]:
        out.print("  no single word or field of it decides: without any of them it would stay")


@cli.command()
@shop_argument
@click.option("--method", help="A clusterer by name (see `wares algorithms`), or scikit-learn's by its path.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the method: resolution=1.2.")
@click.option("--auto", is_flag=True, help="Try methods and numbers of clusters, and take what suits these products.")
@click.option("--budget", default="120s", show_default=True, help="Time for --auto, such as 90s or 10m.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@json_option
def cluster(
    shop: Path,
    method: str | None,
    settings: tuple[str, ...],
    auto: bool,
    budget: str,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Cluster SHOP again, by another method, other settings, or what suits it best (--auto)."""
    from wares.clustering import recluster
    from wares.progress import Bars

    careful()
    with Bars(err, quiet=quiet or as_json) as bars:
        found = recluster(
            shop,
            method=method,
            settings=pairs(settings, "--set"),
            budget=seconds_of(budget) if auto else None,
            dry_run=dry_run,
            observer=bars,
        )
    if as_json:
        print_json(found)
        return
    if quiet:
        return
    for line in found["said"]:
        out.print(Text(line))


@cli.command()
@shop_argument
@click.option("--clusters", "about", flag_value="clusters", default=True, help="A report of the clusters.")
@click.option("--out", "-o", type=click.Path(path_type=Path), default=Path("clusters.html"), show_default=True)
def report(shop: Path, about: str, out: Path) -> None:
    """Write a report to look at: one HTML file that needs nothing else, or a PNG."""
    from wares.report import write_clusters

    with common.open_folder(shop) as opened:
        click.echo(write_clusters(opened, out))
