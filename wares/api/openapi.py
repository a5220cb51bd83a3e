"""The OpenAPI document: what FastAPI knows of its routes, and the hot routes beside them, from the same tables."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from wares.api.errors import STATUS
from wares.api.hot import HOT, Hot
from wares.web.asking import Parameter

_NUMBER, _TEXT, _INTEGER = {"type": "number"}, {"type": "string"}, {"type": "integer"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(of: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}


_ANSWER = {
    "hits": _list("Hit"),
    "took_ms": {"type": "number", "description": "Milliseconds of the answer itself."},
    "used": {"type": "string", "description": 'What answered, such as "ease + content".'},
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Reason": _object(
        text={"type": "string", "description": "One sentence."},
        share={"type": "number", "description": "Share of the score; the shares of one hit sum to 1."},
        products={"type": "array", "items": _TEXT, "description": "Ids the reason rests on."},
    ),
    "Hit": _object(
        id=_TEXT,
        title=_TEXT,
        score={"type": "number", "description": "Higher is better; comparable within one answer only."},
        reasons=_list("Reason"),
        variants={"type": "integer", "description": "Products shown as this one, itself included."},
    ),
    "Answer": _object(**_ANSWER),
    "Found": _object(
        **_ANSWER,
        total={"type": "integer", "description": "Products that match, exactly."},
        facets={"type": "object", "description": "By column, the values of the whole result set with exact counts."},
        corrected={"type": "string", "description": "What was understood, where a word was taken for another."},
    ),
    "Event": _object(
        shopper=_TEXT,
        product=_TEXT,
        kind={"type": "string", "default": "purchase", "description": "view, cart, favourite, purchase, return …"},
        at={"type": "string", "format": "date-time", "description": "Now, where it is not given."},
        value=_NUMBER,
        query=_TEXT,
        session=_TEXT,
        basket=_TEXT,
        id=_TEXT,
    )
    | {"required": ["shopper", "product"]},
    "Error": _object(error=_object(kind=_TEXT, message=_TEXT)),
}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        asked_most = {hot.path.replace(":path", ""): {"get": _operation(hot)} for hot in HOT}
        made["paths"] = {**asked_most, "/api/events": {"post": _events()}, **made["paths"]}
        made["components"] = made.get("components", {})
        known = made["components"].get("schemas", {})
        known.pop("HTTPValidationError", None)
        known.pop("ValidationError", None)
        made["components"]["schemas"] = {**known, **SCHEMAS}
        _tell_errors(made["paths"])
        app.openapi_schema = made
    return app.openapi_schema


def _operation(hot: Hot) -> dict[str, Any]:
    path = [{"name": "id", "in": "path", "required": True, "schema": _TEXT, "description": "The id of the product."}]
    return {
        "summary": hot.summary,
        "description": hot.about or hot.summary,
        "operationId": hot.schema.lower() + hot.path.replace("/", "_").replace("{id:path}", "id").replace("-", "_"),
        "tags": ["answers"],
        "parameters": [*(path if "{id" in hot.path else []), *map(_parameter, hot.parameters.values())],
        "responses": {"200": _response(hot.schema, "Ranked products, best first.")},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }
    if parameter.schema.get("type") == "array":
        made |= {"style": "form", "explode": True}
    return made


def _events() -> dict[str, Any]:
    event: dict[str, Any] = {"$ref": "#/components/schemas/Event"}
    return {
        "summary": "Record what a shopper did",
        "description": "One event or a list of them; on the disk before the answer is given.",
        "operationId": "record_events",
        "tags": ["events"],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": [event, {"type": "array", "items": event}]}}},
        },
        "responses": {
            "202": {
                "description": "Recorded.",
                "content": {"application/json": {"schema": _object(recorded=_INTEGER)}},
            }
        },
    }


def _response(schema: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _tell_errors(paths: dict[str, Any]) -> None:
    """Every route answers the same errors: written here once, from the table."""
    meanings: dict[int, list[str]] = {}
    for kind, status in STATUS.items():
        meanings.setdefault(status, []).append(kind.__name__)
    for methods in paths.values():
        for operation in methods.values():
            for status, kinds in meanings.items():
                operation["responses"][str(status)] = _response("Error", " or ".join(kinds))
