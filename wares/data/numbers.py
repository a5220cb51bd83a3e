"""Numbers out of what people write: currency signs, thousands, decimal commas."""

import polars as pl

_THOUSANDS_COMMA = r"^-?\d{1,3}((,\d{3})+|(,\d{2})+,\d{3})$"
_THOUSANDS_DOT = r"^-?\d{1,3}(\.\d{3})+$"
_LETTERS = (
    r"(?i)(usd|eur|gbp|cny|rmb|jpy|inr|chf|aud|cad|hkd|twd|krw|rub|pln|sek|nok|dkk|try|brl|mxn|kr|rs|zł"
    r"|元|圆|块|人民币|美元|欧元|英镑|日元|起|约|us|hk|nt|c|a|r)"
)
_SIGNS = r"[\s\p{Sc}'’_￥¥]|/-$|\.-$|,-$|,--$|--$"
_NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"

_COMMA_DECIMAL = r"(^|[^\d,.])-?\d{1,3}((\.|\s)\d{3})*,\d{1,2}\D*$|\d+\.\d{3},\d+"
_DOT_DECIMAL = r"^\D*[\d,\s]*\d\.(\d{1,2}|\d{4,})\D*$|\d+,\d{3}\.\d+"


def evidence(values: pl.Series) -> tuple[int, int]:
    """How many of the values are written with a decimal comma, and how many with a decimal point."""
    if values.dtype != pl.String:
        return 0, 0
    odd = values.filter(values.str.contains(",", literal=True))
    comma = int(odd.str.contains(_COMMA_DECIMAL).sum() or 0)
    dots = values.head(20_000) if not len(odd) else values
    return comma, int(dots.str.contains(_DOT_DECIMAL).sum() or 0) if comma or len(odd) else 0


def read(values: pl.Series, comma: bool = False) -> pl.Series:
    """(n,) Float64; null where there is no number, and for NaN and infinities. comma : "1.234" means 1234."""
    if values.dtype != pl.String:
        numbers = values.cast(pl.Float64, strict=False)
        return numbers.set(~numbers.is_finite().fill_null(True), None)
    plain = values.str.strip_chars().cast(pl.Float64, strict=False)
    if comma:  # a point is not what it seems
        plain = plain.set(values.str.contains(".", literal=True).fill_null(False), None)
    plain = plain.set(~plain.is_finite().fill_null(True), None)
    todo = (plain.is_null() & values.is_not_null()).arg_true()
    if not len(todo):
        return plain
    return plain.scatter(todo, _written(values.gather(todo), comma))


def _written(values: pl.Series, comma: bool) -> pl.Series:
    text = values.str.normalize("NFKC").str.strip_chars()
    text = text.str.replace_all(r"−|–", "-").str.replace_all(_SIGNS, "").str.replace(rf"^(-?){_LETTERS}\.?", "$1")
    text = text.str.replace(rf"{_LETTERS}\.?$", "")
    text = text.str.replace(r"^\((.*)\)$", "-$1").str.replace(r"^(.*\d)-$", "-$1")
    frame = pl.DataFrame({"t": text})
    t = pl.col("t")
    last_comma = t.str.contains(r"\..*,") & ~t.str.contains(r",.*\.")
    last_dot = t.str.contains(r",.*\.") & ~t.str.contains(r"\..*,")
    only_comma = t.str.contains(",", literal=True) & ~t.str.contains(".", literal=True)
    only_dot = t.str.contains(".", literal=True) & ~t.str.contains(",", literal=True)
    no_commas = t.str.replace_all(",", "", literal=True)
    no_dots = t.str.replace_all(".", "", literal=True)
    to_point = t.str.replace(",", ".", literal=True)
    out = (
        pl.when(last_comma)
        .then(no_dots.str.replace(",", ".", literal=True))
        .when(last_dot)
        .then(no_commas)
        .when(only_comma & (pl.lit(not comma) & t.str.contains(_THOUSANDS_COMMA)))
        .then(no_commas)
        .when(only_comma & t.str.contains(r"^-?(\d{1,3}(,\d{3}){2,})$"))
        .then(no_commas)
        .when(only_comma)
        .then(to_point)
        .when(only_dot & pl.lit(comma) & t.str.contains(_THOUSANDS_DOT))
        .then(no_dots)
        .when(only_dot & t.str.contains(r"^-?\d{1,3}(\.\d{3}){2,}$"))
        .then(no_dots)
        .otherwise(t)
    )
    clean = pl.when(out.str.contains(_NUMBER)).then(out).otherwise(None)
    numbers = frame.select(clean.cast(pl.Float64, strict=False))["t"]
    return numbers.set(~numbers.is_finite().fill_null(True), None)
