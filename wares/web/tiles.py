"""A picture for a product that has none: a colour and a glyph for its category, or its initials."""

import re
import zlib
from dataclasses import dataclass

HUES = 12

_GLYPHS: tuple[tuple[str, str], ...] = (
    # the first pattern found in the category, or else in the title, gives the glyph
    ("milk", r"milk|dairy|cream|yogurt|yoghurt|奶"),
    ("cheese", r"chees|奶酪"),
    ("egg", r"\beggs?\b|蛋"),
    ("bread", r"bread|bak(?:e|ed|ery|ing)|\bbuns?\b|roll|tortilla|bagel|面包|糕"),
    ("cookie", r"cookie|cracker|biscuit|snack|chips?\b|pretzel|饼干|零食"),
    ("sweet", r"candy|chocolate|sweet|confection|dessert|\bgum\b|糖|巧克力"),
    ("ice", r"frozen|ice cream|\bice\b|popsicle|冰"),
    ("fish", r"fish|seafood|shrimp|tuna|salmon|鱼|海鲜"),
    ("meat", r"meat|beef|pork|chicken|turkey|sausage|bacon|lunchmeat|hot ?dog|deli|肉"),
    ("carrot", r"vegetable|carrot|potato|onion|tomato|salad|corn\b|bean|蔬菜"),
    ("apple", r"fruit|apple|berr|produce|citrus|orange|banana|grape|水果"),
    ("leaf", r"herb|organic|tea\b|floral|flower|garden|plant|natural|茶|花"),
    ("cup", r"coffee|\bcocoa|mug|cups?\b|咖啡|杯"),
    ("wine", r"wine|beer|liquor|spirit|\bale\b|酒"),
    ("bottle", r"drink|beverage|juice|water|soda|soft|\bpop\b|饮料|水\b|果汁"),
    ("can", r"soup|canned|\bcan\b|sauce|dressing|condiment|pickle|ketchup|罐|酱|汤"),
    ("bowl", r"cereal|pasta|noodle|rice|grain|oat|breakfast|dinner|meal|麦|面|饭"),
    ("paw", r"\bpets?\b|\bdogs?\b|\bcats?\b|宠物"),
    ("baby", r"baby|infant|diaper|toy|婴|玩具"),
    ("drop", r"soap|shampoo|hair|skin|lotion|cosmetic|beauty|cream|make ?up|deodor|oral|tooth|洗|护|妆|霜|乳|精华"),
    ("pill", r"vitamin|drug|medic|pain|cold\b|health|pharma|药|保健"),
    ("spray", r"clean|laundry|deterg|bleach|dish|household|paper|towel|tissue|清洁|纸"),
    ("shoe", r"shoe|sneaker|boot|sandal|footwear|flip flops|heels|鞋"),
    ("shirt", r"apparel|clothing|shirt|dress|wear|jean|sock|topwear|服|衣|裤|裙"),
    ("bag", r"\bbags?\b|luggage|wallet|backpack|accessor|包"),
    ("watch", r"watch|jewel|clock|表|首饰"),
    ("phone", r"phone|electronic|camera|audio|battery|computer|laptop|tablet|tv\b|手机|电|相机"),
    ("book", r"book|magazine|card|paper goods|stationery|office|pen\b|书|文具"),
    ("home", r"home|kitchen|cook|furnitur|candle|light|lamp|tool|decor|家|厨|灯"),
    ("gift", r"gift|party|season|christmas|holiday|礼"),
)
_COMPILED = tuple((glyph, re.compile(pattern, re.IGNORECASE)) for glyph, pattern in _GLYPHS)


@dataclass(frozen=True)
class Tile:
    """hue : 0 to HUES - 1, the same for a whole top category. glyph : a symbol's name, or empty for the initials."""

    hue: int
    glyph: str
    initials: str


def tile(title: str, category: str) -> Tile:
    """The picture that stands for a product; the same for the same words, on any machine."""
    top = category.partition(" > ")[0] or title[:1]
    return Tile(zlib.crc32(top.strip().lower().encode()) % HUES, _glyph(title, category), initials(title))


def _glyph(title: str, category: str) -> str:
    # The title tells best, then the lowest level of the category path, then the levels above it.
    for text in (title, *reversed(category.split(" > "))):
        for glyph, pattern in _COMPILED:
            if text and pattern.search(text):
                return glyph
    return ""


def initials(title: str) -> str:
    """One or two letters that stand for a title."""
    words = re.findall(r"\w+", title)
    if not words:
        return "·"
    if not words[0].isascii():
        return str(words[0][:2])
    return "".join(word[0] for word in words[:2]).upper()
