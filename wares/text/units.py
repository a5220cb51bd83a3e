"""Sizes and units: "12 OZ", "12oz" and "12.0 fl. oz." are one word."""

import re

UNITS: dict[str, tuple[str, ...]] = {
    "oz": ("fl. oz.", "fl. oz", "fl oz", "floz", "oz", "ounces", "ounce", "盎司"),
    "lb": ("lbs", "lb", "pounds", "pound", "磅"),
    "kg": ("kgs", "kg", "kilograms", "kilogram", "kilos", "kilo", "公斤", "千克"),
    "mg": ("mg", "毫克"),
    "g": ("grams", "gram", "gms", "gm", "g", "克"),
    "ml": ("ml", "millilitres", "milliliters", "millilitre", "milliliter", "毫升"),
    "cl": ("cl",),
    "l": ("litres", "liters", "litre", "liter", "ltr", "l", "公升", "升"),
    "qt": ("quarts", "quart", "qt"),
    "pt": ("pints", "pint", "pt"),
    "gal": ("gallons", "gallon", "gal", "加仑"),
    "mm": ("mm", "millimetres", "millimeters", "毫米"),
    "cm": ("cms", "cm", "centimetres", "centimeters", "厘米", "公分"),
    "m": ("metres", "meters", "metre", "meter", "m", "米"),
    "inch": ("inches", "inch", "in", "英寸", "寸"),
    "ft": ("feet", "foot", "ft", "英尺"),
    "w": ("watts", "watt", "w", "瓦"),
    "v": ("volts", "volt", "v", "伏"),
    "mah": ("mah", "毫安"),
    "gb": ("gb",),
    "tb": ("tb",),
    "mb": ("mb",),
    "hz": ("hz",),
    "mp": ("megapixels", "megapixel", "mp"),
    "ct": ("counts", "count", "ct"),
    "pack": ("packs", "pack", "pk"),
    "pcs": ("pieces", "piece", "pcs", "pc"),
}
"""Our spelling of a unit, and all that are read as it; lower case."""

_OURS = {spelling: unit for unit, spellings in UNITS.items() for spelling in spellings}
_CLOSE = {spelling.replace(" ", ""): unit for spelling, unit in _OURS.items()}
_SPELLINGS = "|".join(re.escape(each).replace(r"\ ", r"\s?") for each in sorted(_OURS, key=len, reverse=True))

NUMBER = r"\d+(?:[.,]\d+)*"
"""A number as shops write it."""

# "2 in 1" is not two inches, "12oz2" not twelve ounces; after a Chinese unit anything may stand.
SIZE = rf"{NUMBER}[ -]?(?:{_SPELLINGS})(?![^\W_\u3400-\u9fff]|(?<=in)[ -]?\d)"
"""A number and its unit, at most a space or a hyphen between them."""

_PARTS = re.compile(rf"({NUMBER})[ -]?(.*)", re.DOTALL)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def number(text: str) -> str:
    """One spelling of a number: `1,000` and `1000`, `1,5` and `1.50` meet; what is no single number stays."""
    text = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text.replace(",", ".")
    if text.count(".") == 1 and text.replace(".", "").isdecimal():
        text = text.rstrip("0").rstrip(".")
    return text


def size(text: str) -> str:
    """One spelling of what matched `SIZE`: `"12 fl oz"` to `"12oz"`."""
    match = _PARTS.fullmatch(text)
    assert match is not None, text
    return number(match[1]) + _CLOSE[re.sub(r"\s", "", match[2])]
