"""A picture for a product that has none: a colour and a glyph for its category, or its initials."""

import re
import zlib
from dataclasses import dataclass

HUES = 12

_GLYPHS: tuple[tuple[str, int, str], ...] = (
    # a symbol, the hue that suits it, and what a title or category says of such products; the first that fits is taken
    ("milk", 8, r"milk|dairy|(?<!ice )cream|yogurt|yoghurt|奶"),
    ("cheese", 2, r"chees|奶酪"),
    ("egg", 1, r"\beggs?\b|蛋"),
    ("bread", 2, r"bread|bak(?:e|ed|ery|ing)|\bbuns?\b|roll|tortilla|bagel|面包|糕"),
    ("cookie", 1, r"cookie|cracker|biscuit|snack|chips?\b|pretzel|饼干|零食"),
    ("sweet", 11, r"candy|chocolate|sweet|confection|dessert|\bgum\b|糖|巧克力"),
    ("ice", 7, r"frozen|ice cream|\bice\b|popsicle|冰"),
    ("fish", 7, r"fish|seafood|shrimp|tuna|salmon|鱼|海鲜"),
    ("meat", 0, r"meat|beef|pork|chicken|turkey|sausage|bacon|lunchmeat|hot ?dog|deli|肉"),
    ("carrot", 1, r"vegetable|carrot|potato|onion|tomato|salad|corn\b|bean|蔬菜"),
    ("apple", 0, r"fruit|apple|berr|produce|citrus|orange|banana|grape|水果"),
    ("leaf", 4, r"herb|organic|tea\b|floral|flower|garden|plant|natural|茶|花"),
    ("cup", 1, r"coffee|\bcocoa|mug|cups?\b|咖啡|杯"),
    ("wine", 11, r"wine|beer|liquor|spirit|\bale\b|酒"),
    ("bottle", 6, r"drink|beverage|juice|water|soda|soft|\bpop\b|饮料|水\b|果汁"),
    ("can", 0, r"soup|canned|\bcan\b|sauce|dressing|condiment|pickle|ketchup|罐|酱|汤"),
    ("bowl", 2, r"cereal|pasta|noodle|rice|grain|oat|breakfast|dinner|meal|麦|面|饭"),
    ("paw", 9, r"\bpets?\b|\bdogs?\b|\bcats?\b|宠物"),
    ("baby", 10, r"baby|infant|diaper|toy|婴|玩具"),
    ("drop", 7, r"soap|shampoo|hair|skin|lotion|cosmetic|beauty|make ?up|deodor|oral|tooth|洗|护|妆|霜|乳|精华"),
    ("pill", 5, r"vitamin|drug|medic|pain|cold\b|health|pharma|药|保健"),
    ("spray", 6, r"clean|laundry|deterg|bleach|dish|household|paper|towel|tissue|清洁|纸"),
    ("shoe", 9, r"shoe|sneaker|boot|sandal|footwear|flip flops|heels|鞋"),
    ("shirt", 8, r"apparel|clothing|shirt|dress|wear|jean|sock|topwear|服|衣|裤|裙"),
    ("bag", 10, r"\bbags?\b|luggage|wallet|backpack|accessor|包"),
    ("watch", 9, r"watch|jewel|clock|表|首饰"),
    ("phone", 8, r"phone|electronic|camera|audio|battery|computer|laptop|tablet|tv\b|手机|电|相机"),
    ("book", 3, r"book|magazine|card|paper goods|stationery|office|pen\b|书|文具"),
    ("fuel", 8, r"gasoline|petrol|diesel|fuel|motor|\bauto(?:motive)?\b|汽"),
    ("home", 3, r"home|kitchen|cook|furnitur|candle|light|lamp|tool|decor|家|厨|灯"),
    ("gift", 11, r"gift|party|season|christmas|holiday|礼"),
)
_COMPILED = tuple((glyph, hue, re.compile(pattern, re.IGNORECASE)) for glyph, hue, pattern in _GLYPHS)


@dataclass(frozen=True)
class Tile:
    """hue : 0 to HUES - 1. glyph : a symbol's name, or empty for the initials."""

    hue: int
    glyph: str
    initials: str


def tile(title: str, category: str) -> Tile:
    """The picture that stands for a product; the same for the same words, on any machine."""
    # The lowest level of the category path tells best, then the title, then the levels above it.
    lowest, *above = reversed(category.split(" > "))
    for text in (lowest, title, *above):
        for glyph, hue, pattern in _COMPILED:
            if text and pattern.search(text):
                return Tile(hue, glyph, initials(title))
    return Tile(zlib.crc32((category or title).strip().lower().encode()) % HUES, "", initials(title))


def initials(title: str) -> str:
    """One or two letters that stand for a title."""
    words = re.findall(r"\w+", title)
    if not words:
        return "·"
    if not words[0].isascii():
        return str(words[0][:2])
    return "".join(word[0] for word in words[:2]).upper()
