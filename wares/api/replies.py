"""Answers as JSON, written by orjson straight from the dataclasses."""

from typing import Any

import orjson
from starlette.responses import Response

_HOW = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class JSON(Response):
    """A JSON answer. Not-a-number and infinity become null, moments ISO text."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=_HOW)
