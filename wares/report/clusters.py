"""The clusters of a shop as one HTML file that needs nothing else, or as one PNG."""

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wares.data.answers import Cluster
from wares.errors import MissingExtra, SettingError, StoreError
from wares.plots import curve, dendrogram
from wares.store.files import write_text

if TYPE_CHECKING:
    from wares.shop import Shop

_MAP = Path(__file__).parent.parent / "web" / "static" / "map.js"
_STYLE = Path(__file__).with_name("report.css")


def write_clusters(shop: "Shop", path: Path) -> Path:
    """Write the report of the clusters; its ending, .html or .png, says which. Returns the path.

    Raises SettingError for another ending, StoreError where it cannot be written, MissingExtra for a PNG without
    matplotlib.
    """
    if path.suffix not in (".html", ".png"):
        raise SettingError(
            f"{path}: a report is written as .html or .png, not as {path.suffix or 'a file without ending'}"
        )
    if not path.absolute().parent.is_dir():
        raise StoreError(f"there is no folder {path.absolute().parent} to write {path.name} into")
    if path.suffix == ".png":
        try:
            from wares.report.picture import draw_clusters
        except ModuleNotFoundError as error:
            raise MissingExtra(f"a PNG needs the package {error.name!r}: pip install 'wares[report]'") from error
        draw_clusters(shop, path)
    else:
        write_text(path, page(shop))
    return path


def page(shop: "Shop") -> str:
    """The HTML."""
    info, pictures, found = shop.info(), shop.cluster_pictures(), shop.clusters()
    names = [each.name for each in found]
    tree = dendrogram(pictures["tree"], names, groups=pictures["departments"].tolist())
    said = {
        "label": f"Map of {len(names)} clusters; every product is a point, like products lie near each other",
        "colour": "Colour by",
        "colours": [["cluster", "cluster"], ["brand", "brand"], ["price", "price"]],
        "closer": "Zoom in",
        "farther": "Zoom out",
    }
    data = json.dumps(shop.map(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    script = _MAP.read_text(encoding="utf-8").replace("export function", "function")
    title = escape(f"{info['shop']}: clusters")
    departments = "".join(_department(each) for each in shop.departments())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{_STYLE.read_text(encoding="utf-8")}</style></head><body><main>
<h1>{title}</h1>
<p>{sum(each.size for each in found):,} products in {len(names)} clusters by {escape(info["clusters"]["method"])}:
{escape(pictures["reason"])}. Build {escape(info["build"])}, {escape(info["made"])}.</p>
{_followed(info["clusters"]["followed"])}
<h2>The catalog as a map</h2>
<div id="map"><noscript>The map needs JavaScript; everything below does not.</noscript></div>
{_curves(pictures)}
<h2>Tree</h2><figure>{tree}</figure>
<h2>Departments</h2>{departments}
<h2>Clusters</h2><div class="scroll" tabindex="0" role="region" aria-label="Clusters">{_table(shop, found)}</div>
</main>
<script type="module">
{script}
drawMap(document.getElementById("map"), {data}, {json.dumps(said)});
</script></body></html>
"""


def _followed(found: dict[str, Any]) -> str:
    if not found["changes"]:
        return ""
    rows = "".join(
        f"<li>{escape(each['kind'])} {escape(_ids(each))}: {each['products']:,} products</li>"
        for each in found["changes"]
    )
    return f"<h2>Since the last build</h2><p>{found['kept']:.0%} of the products kept their cluster.</p><ul>{rows}</ul>"


def _ids(change: dict[str, Any]) -> str:
    before, now = (", ".join(map(str, change[side])) for side in ("before", "now"))
    return f"{before} → {now}" if before and now else before or now


def _curves(pictures: dict[str, Any]) -> str:
    drawn = []
    for name, label in (("inertia", "inertia"), ("silhouette", "silhouette")):
        points = [(each["k"], each[name]) for each in pictures["curve"] if each.get(name) is not None]
        picture = curve(points, x="clusters", y=label, chosen=pictures["chosen"])
        drawn.append(f"<figure>{picture}</figure>" if picture else "")
    return f'<h2>How many</h2><div class="pair">{"".join(drawn)}</div>' if any(drawn) else ""


def _department(each: dict[str, Any]) -> str:
    inside = "".join(f'<li><a href="#c{one.id}">{escape(one.name)}</a> {one.size:,}</li>' for one in each["clusters"])
    return f"<section><h3>{escape(each['name'])} <small>{each['size']:,}</small></h3><ul>{inside}</ul></section>"


def _table(shop: "Shop", found: list[Cluster]) -> str:
    wanted = [id for each in found for id in (*each.typical[:3], *each.borderline[:2])]
    titles = {card["id"]: card.get("title") or card["id"] for card in shop.products(wanted)}
    heads = (
        "id",
        "name",
        "products",
        "prices",
        "revenue",
        "keywords",
        "brands",
        "sets it apart",
        "typical",
        "borderline",
    )
    rows = "".join(_row(each, titles) for each in sorted(found, key=lambda each: -each.size))
    return (
        f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(each: Cluster, titles: dict[str, str]) -> str:
    prices = "" if each.prices is None else f"{each.prices[0]:,.2f} – {each.prices[2]:,.2f}"
    cells = (
        f"{each.size:,}",
        prices,
        "" if each.revenue is None else f"{each.revenue:,.0f}",
        ", ".join(each.keywords[:8]),
        ", ".join(f"{name} {share:.0%}" for name, share in each.brands[:3]),
        ", ".join(f"{value} ({times:.0f}×)" for _, value, times in each.apart[:3]),
        "; ".join(titles[id] for id in each.typical[:3]),
        "; ".join(titles[id] for id in each.borderline[:2]),
    )
    inside = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr id="c{each.id}"><td>{each.id}</td><th scope="row">{escape(each.name)}</th>{inside}</tr>'
