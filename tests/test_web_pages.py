"""The pages as a browser without JavaScript gets them."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from small_server import Reply, ask
from small_shop import ODD_IDS

PAGES = (
    "/",
    "/search?q=mug",
    "/search",
    "/product/P1",
    "/clusters",
    "/clusters/0",
    "/map",
    "/why/P3",
    "/categories",
    "/categories?title=blue+coffee+mug",
    "/interests",
    "/interests?profile=green+tea",
    "/shoppers",
    "/shoppers/U7",
    "/shoppers/U7?repeats=true",
    "/quality",
    "/docs",
)


class Links(HTMLParser):
    """The addresses a page points to, its elements by name, and what would break its policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.links += [found[name] or "" for name in ("href", "src", "action") if name in found]
        self.inline += [name for name in found if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in found):
            self.inline.append(tag)


def page(reply: Reply, status: int = 200) -> Links:
    said = reply.text[reply.text.find("<main") :][:500]  # a whole page is too long to read in a report
    assert reply.status == status, said
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    return Links(reply.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_under_a_strict_policy(address: str, path: str) -> None:
    reply = ask(address, path)
    found = page(reply)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert found.inline == []
    assert found.tags.count("h1") == 1
    assert not [link for link in found.links if link.startswith(("http:", "https:", "//"))]


def test_every_link_of_every_page_leads_somewhere(address: str) -> None:
    links = {link.partition("#")[0] for path in PAGES for link in page(ask(address, path)).links}
    shown = sorted(link for link in links if link and not link.startswith("/search?"))
    broken = {link: ask(address, link).status for link in shown}
    assert {link: status for link, status in broken.items() if status not in (200, 303)} == {}


def test_filters_lead_where_their_counts_say(address: str) -> None:
    text = ask(address, "/search?q=mug&lang=en").text
    choices = re.findall(
        r'<a href="(/search\?[^"]+)"[^>]*><span class="name">[^<]*</span> <span class="count">([\d,]+)', text
    )
    assert len(choices) >= 4
    for href, count in choices:
        assert f"<strong>{count} product" in ask(address, href.replace("&amp;", "&")).text, href


@pytest.mark.parametrize("id", ODD_IDS)
def test_odd_products_have_their_page(address: str, id: str) -> None:
    reply = ask(address, f"/product/{quote(id, safe='')}")
    page(reply)
    assert "<script>alert" not in reply.text
    assert "<b>&amp;</h" not in reply.text


def test_what_a_product_says_is_text(address: str) -> None:
    text = ask(address, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%27").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;script&gt;alert" in ask(address, "/product/x%2F").text


def test_pictures_where_there_are_some(address: str) -> None:
    assert '<img src="/static/mark.svg" alt=""' in ask(address, "/product/P3").text
    assert "#g-shoe" in ask(address, "/product/P1").text


def test_a_shopper_is_found_by_a_form(address: str) -> None:
    reply = ask(address, "/shoppers?shopper=U7")
    assert (reply.status, reply.headers["location"]) == (303, "/shoppers/U7")


def test_results_come_in_pages(address: str) -> None:
    first = ask(address, "/search?lang=en").text
    assert "Page 1 of 3" in first
    assert "/search?lang=en&amp;offset=24" in first
    assert "Page 3 of 3" in ask(address, "/search?lang=en&offset=48").text


def test_nothing_found_says_so(address: str) -> None:
    assert "Nothing found" in ask(address, "/search?q=mug&brand=Nobody").text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/product/P1x", 404, "did you mean"),
        ("/shoppers/U999", 404, "U999"),
        ("/clusters/999", 404, "999"),
        ("/nowhere", 404, "/nowhere"),
        ("/search?q=a&price_lte=cheap", 422, "price_lte must be a number"),
        ("/search?offset=-1", 422, "offset must be"),
    ],
)
def test_errors_are_pages_too(address: str, path: str, status: int, says: str) -> None:
    reply = ask(address, path)
    page(reply, status)
    assert says in reply.text


def test_the_language_follows_the_browser_and_the_choice(address: str) -> None:
    assert '<html lang="en"' in ask(address, "/").text
    chinese = ask(address, "/", accept_language="zh-CN,zh;q=0.9")
    assert '<html lang="zh"' in chinese.text
    assert "搜索" in chinese.text
    chosen = ask(address, "/?lang=zh")
    assert "lang=zh" in chosen.headers["set-cookie"]
    assert '<html lang="zh"' in ask(address, "/", cookie="lang=zh").text


def test_the_theme_chosen_is_drawn_by_the_server(address: str) -> None:
    assert 'data-theme="dark"' in ask(address, "/", cookie="theme=dark").text
    assert "data-theme" not in ask(address, "/", cookie='theme="><script>').text
