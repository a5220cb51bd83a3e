"""Tuning: choices without the test, rounds within a time, a search that goes on, and what is written."""

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from test_recommend_models import timed

from wares.algorithm import Context, Recommender
from wares.config import Config
from wares.data.history import History
from wares.errors import DataError, SettingError, UnknownName
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.popular import Popular
from wares.registry import make
from wares.shop import Shop
from wares.tasks.blending import Blend
from wares.tasks.halving import Candidate, Memory, halve
from wares.tasks.spaces import SPACES, in_order, space
from wares.tasks.splitting import parted
from wares.tasks.standing import Questions
from wares.tasks.tuning import Tuned, candidates, tune
from wares.tuning import tune_shop
from wares.written import table_of, with_algorithm

MODELS = {"popular": Popular(), "ease": EASE(regularisation=2.0), "itemknn": ItemKNN(shrink=1.0)}


def follow(n: int, days: int) -> History:
    """Shoppers who go round a ring of twelve products, each from another start."""
    rows = [[(shopper + step) % 12 for step in range(3 + shopper % 3)] for shopper in range(n)]
    return timed(rows, [[days * (step + 1) // 6 + n % 3 for step in range(len(row))] for n, row in enumerate(rows)])


def chance() -> History:
    """Shoppers who take any of forty products."""
    rng = np.random.default_rng(0)
    rows = [rng.integers(40, size=3 + shopper % 3).tolist() for shopper in range(400)]
    return timed(rows, [[10 * (step + 1) + n % 3 for step in range(len(row))] for n, row in enumerate(rows)], n=40)


RING = follow(120, 60)


def questions(history: History) -> tuple[History, Questions]:
    split = parted(history)
    return split.train, Questions.of(split, ("new",))


def test_spaces_know_only_settings_that_are_there():
    for name, table in SPACES.items():
        assert all(len(values) > 1 for values in table.values()), name
    found = space("popular", Popular())
    assert found[0] == {}
    assert len(found) == len({json.dumps(each, sort_keys=True) for each in found})
    assert {"half_life": 30.0, "personal": 0.3} in found


def test_what_has_no_space_is_tried_around_its_defaults():
    found = space("mine", ItemKNN(shrink=9.0))
    assert found[0] == {}
    assert {"shrink": 3.0} in found
    assert {"shrink": 27.0} in found
    assert not any("neighbours" in each for each in found)


def test_quick_ones_come_first_and_composites_not_at_all():
    assert in_order(["zeta", "ease", "blend", "popular", "repeat"]) == ["popular", "ease", "zeta"]
    first = candidates(MODELS)[:3]
    assert [each.key for each in first] == ["popular()", "itemknn()", "ease()"]


@dataclass(kw_only=True, eq=False)
class Refusing(Popular):
    """Learns nothing."""

    def fit(self, history: History, context: Context = Context()) -> "Refusing":
        raise DataError("no such luck")


def test_the_better_go_on_and_the_failed_are_told():
    train, asked = questions(RING)
    memory = Memory()
    every = [*candidates(MODELS), Candidate("refusing", {}, Refusing())]
    found = halve(every, train, asked, Context(), seconds=1e9, memory=memory)
    assert found.finals[0].name in ("ease", "itemknn")
    scores = [each.score for each in found.finals]
    assert scores == sorted(scores, reverse=True)
    assert [each.failed for each in memory.trials.values() if each.name == "refusing"] == ["no such luck"]
    assert found.left_out == []


def test_rounds_learn_from_more_and_more_shoppers(monkeypatch):
    monkeypatch.setattr("wares.tasks.halving.LEAST", 5)
    train, asked = questions(RING)
    memory = Memory()
    halve(candidates(MODELS), train, asked, Context(), seconds=1e9, memory=memory)
    sizes = sorted({each.shoppers for each in memory.trials.values()})
    counts = [sum(each.shoppers == size for each in memory.trials.values()) for size in sizes]
    assert len(sizes) >= 3
    assert all(one * 3 <= other + 2 for one, other in itertools.pairwise(sizes))
    assert counts == sorted(counts, reverse=True)


def test_when_time_is_up_the_rest_is_told():
    train, asked = questions(RING)
    ticks = itertools.count(step=10.0)
    found = halve(candidates(MODELS), train, asked, Context(), seconds=25, memory=Memory(), clock=lambda: next(ticks))
    assert len(found.finals) >= 1
    assert found.left_out


def test_a_search_that_broke_off_goes_on():
    train, asked = questions(RING)
    kept: list[int] = []
    first = Memory(keep=lambda memory: kept.append(len(memory.trials)))
    whole = halve(candidates(MODELS), train, asked, Context(), seconds=1e9, memory=first)
    assert kept == list(range(1, len(first.trials) + 1))
    half = Memory(dict(list(first.trials.items())[:5]))
    again = halve(candidates(MODELS), train, asked, Context(), seconds=1e9, memory=half)
    assert half.resumed == 5
    assert [each.candidate for each in again.finals] == [each.candidate for each in whole.finals]


def test_what_follows_is_found_better_than_popularity():
    found = tune(MODELS, Popular(), RING, budget=1e9, k=3)
    assert found.better
    assert isinstance(found.chosen, Blend)
    report = found.report
    assert report["over"]["plain popular"]["low"] > 0
    assert report["ndcg"]["chosen"]["new"] > report["ndcg"]["now"]["new"]
    assert set(report["costs"]) == {"chosen", "now", "plain popular", "best single"}
    assert json.loads(json.dumps(report)) == report
    assert any("over popularity" in line or "over plain popular" in line for line in found.said)
    assert any(line.startswith("cost: ") for line in found.said)


def test_nothing_is_chosen_by_what_is_judged_on():
    check = parted(RING)
    later = RING.times >= check.until
    shuffled = replace(RING, products=np.where(later, 11 - RING.products, RING.products).astype(np.int32))
    one, other = (tune(MODELS, Popular(), each, budget=1e9, k=3).report["chosen"] for each in (RING, shuffled))
    assert one == other


def test_chance_is_not_taken_for_skill():
    current = Blend()
    found = tune(MODELS, current, chance(), budget=1e9, k=3)
    assert not found.better
    assert found.chosen is current
    assert any("warning: nothing beats popularity" in line for line in found.said)


def test_too_little_to_choose_by_is_said():
    with pytest.raises(DataError):
        tune(MODELS, Popular(), timed([[1]], [[1]]))
    with pytest.raises(SettingError, match="nothing to tune among blend"):
        tune({"blend": Blend()}, Popular(), RING)
    with pytest.raises(SettingError, match="budget=0"):
        tune(MODELS, Popular(), RING, budget=0)


# -- shop.toml -------------------------------------------------------------------------------------------------------


def test_a_blend_is_written_and_read_back_with_the_comments_kept():
    text = Config.default().text.replace('use = "blend"', 'use = "ease"  # mine\n# a thought of mine\nhalf_life = 9.0')
    model = Blend(parts=[EASE(regularisation=7.0), Popular()], weights=[1.0, 0.25])
    changed = with_algorithm(Config.of(text), "recommend", model)
    assert "# a thought of mine" in changed.text
    assert "# histories to products" in changed.text
    assert changed.text.count("[recommend]") == 1
    read = changed.make(Recommender)
    assert repr(read) == repr(model)
    once_more = with_algorithm(changed, "recommend", model)
    assert repr(once_more.make(Recommender)) == repr(model)
    assert once_more.text.count("[[recommend.parts]]") == 2


def test_a_hybrid_is_written_with_the_parts_of_its_blend():
    model = make(Recommender, "hybrid", base=Blend(parts=[Popular(half_life=30.0)], weights=[0.5]))
    changed = with_algorithm(Config.default(), "recommend", model)
    assert "[[recommend.base.parts]]" in changed.text
    assert repr(changed.make(Recommender)) == repr(model)


def test_defaults_and_the_seed_of_the_shop_are_left_out():
    assert table_of(Popular()) == {"use": "popular"}
    assert table_of(Popular(half_life=30.0)) == {"use": "popular", "half_life": 30.0}
    parts = table_of(Blend(parts=[Popular()], weights=[2.0]))["parts"]
    assert parts == [{"use": "popular", "weight": 2.0}]


def test_what_is_better_is_written_and_built(own_folder: Path, monkeypatch: pytest.MonkeyPatch):
    better = Tuned(Blend(parts=[ItemKNN(shrink=3.0)], weights=[1.0]), True, ["found"], {"resumed": 0})
    monkeypatch.setattr("wares.tuning.tune", lambda *args, **options: better)
    found = tune_shop(own_folder, models="itemknn")
    assert found["written"]
    assert "[[recommend.parts]]" in (own_folder / "shop.toml").read_text()
    with Shop(own_folder) as shop:
        assert shop.info()["recommend"]["text"] == "itemknn + repeat"
    assert json.loads((own_folder / "tuned.json").read_text())["table"]["parts"][0]["shrink"] == 3.0


def test_a_shop_is_tuned_and_goes_on_after_a_crash(own_folder: Path):
    before = (own_folder / "shop.toml").read_text()
    dry = tune_shop(own_folder, budget=600, models="popular,itemknn", dry_run=True)
    assert (own_folder / "shop.toml").read_text() == before
    assert not dry["written"]
    again = tune_shop(own_folder, budget=600, models="popular,itemknn", agree=lambda found: False)
    assert again["resumed"] == again["trials"] == dry["trials"]
    assert (own_folder / "shop.toml").read_text() == before
    with pytest.raises(UnknownName, match="did you mean 'popular'"):
        Shop(own_folder).tune(models=["popluar"])
    with pytest.raises(SettingError, match="90s, 10m or 1h"):
        Shop(own_folder).tune(budget="soon")
