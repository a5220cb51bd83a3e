"""The pages in a real browser: accessible in both themes, usable by keyboard on a phone, and nothing foreign runs."""

from collections.abc import Iterator

import pytest
from browser import Browser, opened
from selenium.webdriver.common.keys import Keys
from test_web_pages import PAGES


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as found:
        yield found


@pytest.mark.parametrize(("width", "theme"), [(375, "light"), (1280, "dark")])
def test_axe_finds_nothing_serious(browser: Browser, address: str, width: int, theme: str) -> None:
    browser.look(width, theme)
    found = {}
    for path in (*PAGES, "/search?q=mug&brand=Clay", "/search?q=mug&brand=Nobody", "/nowhere"):
        browser.driver.get(address + path)
        browser.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
        if problems := browser.violations():
            found[path] = problems
    assert found == {}


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_no_page_is_wider_than_its_window(browser: Browser, address: str, width: int) -> None:
    browser.look(width)
    for path in (*PAGES, "/product/x%2F"):
        browser.driver.get(address + path)
        assert browser.run("return document.documentElement.scrollWidth") <= width, path


def test_search_product_similar_by_tab_and_enter_on_a_phone(browser: Browser, address: str) -> None:
    browser.look(375)
    browser.driver.get(address + "/")
    browser.tab_to("#q")
    browser.press("running shoe")
    browser.press(Keys.ENTER)
    assert "/search?q=running+shoe" in browser.driver.current_url
    browser.tab_to(".card h3 a")
    browser.press(Keys.ENTER)
    first = browser.driver.current_url
    assert "/product/" in first
    browser.tab_to("section[aria-labelledby=similar] .card h3 a")
    assert browser.run("return getComputedStyle(document.activeElement, '::after').outlineStyle") == "solid"
    browser.press(Keys.ENTER)
    assert "/product/" in browser.driver.current_url
    assert browser.driver.current_url != first


def test_reasons_unfold_by_keyboard(browser: Browser, address: str) -> None:
    browser.look(375)
    browser.driver.get(address + "/product/P1")
    browser.tab_to(".why summary")
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.parentElement.open")
    assert browser.run("return document.activeElement.parentElement.innerText").strip()


def test_a_title_of_markup_is_only_text(browser: Browser, address: str) -> None:
    browser.look(1280)
    browser.complaints()
    browser.driver.get(address + "/product/x%2F")
    assert browser.driver.find_element("tag name", "h1").text == '<script>alert("x")</script> mug'
    browser.driver.get(address + "/search?q=mug")
    assert browser.run("return document.scripts.length") == 1
    assert browser.complaints() == []


def test_no_page_makes_the_browser_complain(browser: Browser, address: str) -> None:
    browser.look(1280)
    browser.complaints()
    for path in PAGES:
        browser.driver.get(address + path)
    assert browser.complaints() == []


def test_the_theme_is_switched_and_kept(browser: Browser, address: str) -> None:
    browser.look(1280, "light")
    browser.driver.get(address + "/")
    browser.driver.find_element("id", "theme").click()
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    browser.driver.get(address + "/clusters")
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 19, 17)"
    browser.driver.delete_all_cookies()


def test_shoppers_are_suggested_while_typing(browser: Browser, address: str) -> None:
    browser.look(1280)
    browser.driver.get(address + "/shoppers")
    browser.driver.find_element("id", "shopper").send_keys("U3")
    options = "return [...document.querySelectorAll('#some option')].map(one => one.value)"
    for _ in range(100):
        shown = browser.run(options)
        if shown and all(id.startswith("U3") for id in shown):
            break
        browser.driver.implicitly_wait(0.1)
    assert shown == ["U3", *(f"U3{n}" for n in range(10))]


def test_clusters_are_narrowed_by_typing(browser: Browser, address: str) -> None:
    browser.look(1280)
    browser.driver.get(address + "/clusters")
    everything = browser.run("return document.querySelectorAll('#clusters > :not([hidden])').length")
    browser.driver.find_element("id", "narrow").send_keys("shoe")
    left = browser.run("return document.querySelectorAll('#clusters > :not([hidden])').length")
    assert 0 < left < everything
