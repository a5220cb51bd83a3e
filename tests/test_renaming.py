"""Names from a model behind HTTP: against a real server that speaks /v1/chat/completions, well and badly."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep

import pytest

from wares.config import Config
from wares.settings import NameSettings
from wares.tasks.renaming import TOGETHER, better_names

TITLES = ["Green tea, 20 bags", "Black tea, loose", "Dry dog food", "Chew bone for dogs", "绿茶 茶叶 100克", None]
DESCRIBED = [
    {"name": "Tea & Bags", "keywords": ["Tea", "Bags"], "typical": [0, 1, 5]},
    {"name": "Dog, Dry & Chew", "keywords": ["Dog", "Dry"], "typical": [2, 3]},
    {"name": "绿茶、茶叶", "keywords": ["绿茶"], "typical": [4]},
]
PLAIN = [each["name"] for each in DESCRIBED]


@contextmanager
def serving(answer) -> Iterator[tuple[str, list[dict]]]:
    """The address of a model that answers `answer(asked)` (text of the message, or (code, body)), and its requests."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
            lines = body["messages"][-1]["content"].splitlines()
            found = answer([json.loads(line) for line in lines])
            code, text = found if isinstance(found, tuple) else (200, chat(found))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", text)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        server.server_close()


def chat(content: str) -> str:
    return json.dumps(
        {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": content}}]}
    )


def saying(*names):
    return lambda asked: json.dumps({str(each["group"]): names[each["group"]] for each in asked})


def named(answer, **settings):
    with serving(answer) as (url, requests):
        names, warnings = better_names(DESCRIBED, TITLES, NameSettings(url=url, model="small", **settings))
    return names, warnings, requests


def test_without_an_address_nobody_is_asked():
    assert better_names(DESCRIBED, TITLES, NameSettings()) == (PLAIN, [])
    assert better_names([], TITLES, NameSettings(url="http://localhost:1/v1")) == ([], [])


def test_a_model_names_the_clusters_from_keywords_and_titles(monkeypatch):
    monkeypatch.setenv("NAMES_KEY", "secret-7")
    names, warnings, (request,) = named(saying("Herbal Tea", "Dog Food", "绿茶"), key_env="NAMES_KEY")
    assert names == ["Herbal Tea", "Dog Food", "绿茶"]
    assert warnings == []
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == "Bearer secret-7"
    assert request["body"]["model"] == "small"
    shown = [json.loads(line) for line in request["body"]["messages"][1]["content"].splitlines()]
    assert shown[0] == {"group": 0, "keywords": ["Tea", "Bags"], "titles": TITLES[:2]}
    assert shown[2]["titles"] == ["绿茶 茶叶 100克"]


def test_a_full_address_a_code_fence_and_quotes_will_do():
    with serving(lambda asked: '```json\n{"0": " “Herbal  Tea” ", "1": "Dog Food.", "2": "绿茶"}\n```') as (url, _):
        settings = NameSettings(url=f"{url}/chat/completions", model="small")
        assert better_names(DESCRIBED, TITLES, settings) == (["Herbal Tea", "Dog Food", "绿茶"], [])


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "One two three four five",
        "tea\nignore",
        "x" * 70,
        7,
        None,
        ["Tea"],
        "绿茶红茶乌龙茶白茶黑茶黄茶",
        "&",
        "Te\x07a",
    ],
)
def test_a_name_that_will_not_do_leaves_the_plain_one(bad):
    names, warnings, _ = named(saying(bad, "Dog Food", "绿茶"))
    expected = "tea ignore" if bad == "tea\nignore" else PLAIN[0]  # white space of any kind is one space
    assert names == [expected, "Dog Food", "绿茶"]
    assert len(warnings) == (expected == PLAIN[0])


def test_names_are_distinct_from_each_other_and_from_plain_names_that_stand():
    names, warnings, _ = named(saying("Dog Food", "dog food", "Tea & Bags"))
    assert names == ["Dog Food", PLAIN[1], "Tea & Bags"]
    assert "1 of the model's names will not do" in warnings[0]
    names, _, _ = named(saying("", "Tea & Bags", "绿茶"))
    assert names == [*PLAIN[:2], "绿茶"]


def test_a_cluster_that_the_model_leaves_out_keeps_its_plain_name():
    names, warnings, _ = named(lambda asked: '{"1": "Dog Food", "9": "Nobody"}')
    assert names == [PLAIN[0], "Dog Food", PLAIN[2]]
    assert warnings == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, "oh"), "answered 500"),
        ((401, "no"), "answered 401"),
        ((302, "http://127.0.0.1:9/v1"), "answered 302"),
        ((200, "not JSON"), "Expecting value"),
        ((200, '{"choices": []}'), "not one of the protocol"),
        ((200, "[1]"), "not one of the protocol"),
        ("I would rather not.", "not one of the protocol"),
        ('["Tea", "Dog"]', "not one of the protocol"),
    ],
)
def test_whatever_fails_the_plain_names_stand(answer, why):
    names, (warning,), requests = named(lambda asked: answer)
    assert names == PLAIN
    assert why in warning
    assert "the plain name stands for 3 of" in warning
    assert len(requests) == 1


def test_nobody_there_and_nobody_answering():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = NameSettings(url=f"http://127.0.0.1:{free.getsockname()[1]}/v1", model="small")
        names, (warning,) = better_names(DESCRIBED, TITLES, nobody)
    assert names == PLAIN
    assert "refused" in warning
    names, (warning,), _ = named(lambda asked: sleep(1) or "{}", timeout=0.2)
    assert names == PLAIN
    assert "timed out" in warning
    for url in ("file:///etc/passwd", "localhost:1", "http://"):
        names, (warning,) = better_names(DESCRIBED, TITLES, NameSettings(url=url))
        assert names == PLAIN
        assert "the plain name stands" in warning


@pytest.mark.parametrize("key", ["", "two\nlines"])
def test_a_key_that_is_none_is_told_and_never_shown(monkeypatch, key):
    monkeypatch.setenv("NAMES_KEY", key)
    names, (warning,), requests = named(saying("A", "B", "C"), key_env="NAMES_KEY")
    assert (names, requests) == (PLAIN, [])
    assert "NAMES_KEY holds no key" in warning
    assert "lines" not in warning


def test_a_failure_half_way_keeps_what_came_before():
    described = [{"name": f"plain {n}", "keywords": [], "typical": []} for n in range(2 * TOGETHER + 1)]
    with serving(
        lambda asked: (503, "") if asked[0]["group"] else json.dumps({str(n): f"Better {n}" for n in range(TOGETHER)})
    ) as (url, requests):
        names, (warning,) = better_names(described, [], NameSettings(url=url))
    assert names[:TOGETHER] == [f"Better {n}" for n in range(TOGETHER)]
    assert names[TOGETHER:] == [f"plain {n}" for n in range(TOGETHER, 2 * TOGETHER + 1)]
    assert len(requests) == 2  # not asked again
    assert f"stands for {TOGETHER + 1} of" in warning


def test_the_table_of_the_settings():
    config = Config.of('[names]\nurl = "http://localhost:8000/v1"\nmodel = "m"\nkey_env = "K"\ntimeout = 5.0\n')
    assert config.names == NameSettings("http://localhost:8000/v1", "m", "K", 5.0)
    assert Config.default().names == NameSettings()
