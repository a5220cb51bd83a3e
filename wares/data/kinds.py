"""What shoppers do, by the names shops give it in English and Chinese."""

from collections import Counter
from collections.abc import Iterable, Mapping

from wares.data.columns import bare
from wares.errors import DataError, SettingError, did_you_mean

IGNORED = "ignore"
"""A kind may be mapped to this: its events are set aside."""

_NAMES = {
    "view": """view, views, viewed, page view, pv, click, clicked, detail, details, view item, product view, browse,
        impression, visit, open, 浏览, 点击, 查看, 访问, 曝光""",
    "cart": """cart, add to cart, addtocart, add cart, cart add, add, add to basket, basket, atc, add to bag,
        加购, 加购物车, 加入购物车, 购物车, 添加购物车""",
    "favourite": """favourite, favorite, fav, favor, like, liked, wishlist, add to wishlist, save, bookmark, collect,
        收藏, 喜欢, 关注, 加入收藏, 点赞""",
    "purchase": """purchase, purchased, buy, bought, order, ordered, transaction, sale, checkout, paid, payment,
        conversion, 购买, 下单, 成交, 支付, 付款, 买, 交易""",
    "return": "return, returned, returns, refund, refunded, cancel, cancelled, canceled, 退货, 退款, 退换, 取消",
}
_KNOWN = {bare(word): kind for kind, words in _NAMES.items() for word in words.split(",")}


def of(counts: Mapping[str, int], given: Mapping[str, str] | None, known: Iterable[str]) -> dict[str, str]:
    """The kind behind each name that occurs; `given` says what an unknown one is.

    Raises DataError with every unknown name and its count, SettingError where `given` leads to no kind there is.
    """
    kinds = [*known]
    wanted = {bare(theirs): ours for theirs, ours in (given or {}).items()}
    for theirs, ours in (given or {}).items():
        if ours not in (*kinds, IGNORED):
            raise SettingError(f"--kind {theirs}={ours}: no kind {ours!r}{did_you_mean(ours, kinds)} ({_list(kinds)})")
    own = {bare(kind): kind for kind in kinds}
    found = {name: wanted.get(bare(name)) or own.get(bare(name)) or _KNOWN.get(bare(name)) for name in counts}
    unknown = Counter({name: counts[name] for name, kind in found.items() if kind is None})
    if unknown:
        shown = ", ".join(f"{name!r} ({n:,} events)" for name, n in unknown.most_common(10))
        first = unknown.most_common(1)[0][0]
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise DataError(
            f"unknown kinds of event: {shown}{more}. Known: {_list(kinds)}. Say what each is, as --kind {first}=view, "
            f"or leave it out: --kind {first}={IGNORED}"
        )
    return {name: kind for name, kind in found.items() if kind}


def _list(kinds: Iterable[str]) -> str:
    return ", ".join(kinds)
