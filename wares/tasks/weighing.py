"""Why two offers are taken for one product: what each rule adds to the odds, in sentences."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Matcher
from wares.data.hits import Reason
from wares.tasks.likening import BARCODE, BRAND, CODE, PRICE, Rule, Scores
from wares.tasks.matching import COLUMNS
from wares.tasks.offers import Offers, codes_of

SHOWN = 0.03
"""Share of all weight from which a rule gets a sentence of its own."""

_RULES = list(dict.fromkeys(COLUMNS.values()))


def weights_of(matcher: Matcher, likeness: Scores) -> NDArray[np.float64]:
    """(m, n_rules) log2 of how much likelier each rule makes it that both are one product.

    By the matcher's own `contributions`; of one that has none, by how the odds change where the rule is not known.
    """
    places = np.array([_RULES.index(rule) for rule in COLUMNS.values()])
    out = np.zeros((len(likeness), len(_RULES)))
    if hasattr(matcher, "contributions"):
        for column, part in enumerate(matcher.contributions(likeness).T):
            out[:, places[column]] += part
        return out
    odds = _odds(matcher.probability(likeness))
    for rule in range(len(_RULES)):
        without = np.where(places == rule, np.float32(np.nan), likeness)
        out[:, rule] = odds - _odds(matcher.probability(without))
    return out


def _odds(probability: Scores) -> NDArray[np.float64]:
    bounded = np.clip(probability.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.asarray(np.log2(bounded / (1 - bounded)))


def reasons(offers: Offers, pair: NDArray[np.integer], weights: NDArray[np.float64]) -> list[Reason]:
    """The rules of one pair, the weightiest first; shares are of all weight, whichever way it pulls, and sum to 1.

    The sentence says which way: "the same model number (kd43xe)" or "prices far from each other (9.90 and 25.00)".
    """
    total = float(np.abs(weights).sum())
    if total <= 0:
        return [Reason("other", 1.0)]
    shares = np.abs(weights) / total
    out = [
        Reason(sentence(_RULES[rule], offers, int(pair[0]), int(pair[1]), bool(weights[rule] > 0)), float(shares[rule]))
        for rule in np.argsort(-shares, kind="stable").tolist()
        if shares[rule] >= SHOWN
    ]
    rest = 1 - sum(each.share for each in out)
    return [*out, Reason("other", max(rest, 0.0))]


def waterfall(weights: NDArray[np.float64], base: float) -> list[tuple[str, float]]:
    """(rule, log2) of one pair from what every pair begins with to the odds of this one, the weightiest first."""
    order = np.argsort(-np.abs(weights), kind="stable").tolist()
    return [("before looking", base), *((_RULES[rule].kind, float(weights[rule])) for rule in order if weights[rule])]


def sentence(rule: Rule, offers: Offers, one: int, other: int, pro: bool) -> str:
    """What a rule says of a pair, with the values it rests on where they are short."""
    said = rule.pro if pro else rule.con
    beside = _values(rule, offers, one, other, pro)
    if rule == CODE and pro and not beside:
        return "no model numbers that differ"
    return f"{said} ({beside})" if beside else said


def _values(rule: Rule, offers: Offers, one: int, other: int, pro: bool) -> str:
    if rule == CODE:
        models = offers.models or [""] * len(offers)
        codes = [codes_of(offers.titles[row], models[row]) for row in (one, other)]
        common = [code for code in codes[0] if code in codes[1]]
        if pro:
            return max(common, key=len) if common else ""
        return " and ".join(max(each, key=len) for each in codes) if all(codes) and not common else ""
    if rule == PRICE and offers.prices is not None:
        return " and ".join(f"{offers.prices[row]:.2f}" for row in (one, other))
    fields: dict[Rule, Sequence[str] | None] = {BRAND: offers.brands, BARCODE: offers.barcodes}
    values = fields.get(rule)
    if values is None:
        return ""
    return " and ".join(dict.fromkeys(each for each in (values[one], values[other]) if each))
