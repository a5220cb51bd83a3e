"""Templates to pages: escaped, and under a policy that runs nothing but our own files."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from wares.web import formats, words

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: https: http:",  # pictures stand where the catalog says
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "vary": "accept-language, cookie",
}
_STATIC = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("wares.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= formats.FILTERS
    made.globals["static"] = _static
    made.globals["languages"] = words.LANGUAGES
    return made


@cache
def _static(name: str) -> str:
    """The address of a file, which changes when the file does."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def page(request: Request, template: str, language: str, **values: Any) -> Response:
    """A page in a language; the language and theme chosen are kept in cookies."""
    theme = request.cookies.get("theme", "")
    html = (
        _environment()
        .get_template(template)
        .render(
            say=words.speaker(language),
            language=language,
            theme=theme if theme in ("light", "dark") else "",
            path=request.url.path,
            here=request.url,
            **({"shop": None} | values),
        )
    )
    answer = HTMLResponse(html, values.get("status", 200), HEADERS)
    if request.query_params.get("lang") in words.LANGUAGES:
        answer.set_cookie("lang", language, max_age=_YEAR, samesite="lax")
    return answer
