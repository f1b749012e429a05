"""The OpenAPI document, made from the routes and the models that check what comes in."""

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from router.access import RULES, Role
from router.api.models import Problem
from router.api.problems import KINDS, Code
from router.api.routes import ROUTES, Route
from router.requests import OrderBody
from router.requests.orders import SHAPES

NAME = re.compile(r"[A-Za-z0-9_\-]{1,64}", re.ASCII)
EVENT_ID = re.compile(r"[0-9]{1,18}-[0-9]{1,9}", re.ASCII)
VERSION = "1"
Json = dict[str, Any]

_ABOUT = (
    "Orders go in, decisions and fills come out. Decimals are text, times RFC 3339 in UTC, unknown fields are refused."
    "\n\nEach request that changes anything takes an Idempotency-Key, remembered for seven days at least: the same key "
    "with the same request is answered as before and does nothing twice; with another request it is refused. A ref_id "
    "is unique for ever. A problem says what became of what was asked for (`outcome`): rejected, or unknown, and then "
    "the same request with the same key is the way to find out."
)


def document(deployment: str = "crypto-sor") -> Json:
    """All of it. The same code gives the same document."""
    models = _models()
    pairs = [(model, "validation" if _is_given(model) else "serialization") for model in models]
    names, schemas = models_json_schema(pairs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    components: Json = schemas.get("$defs", {})
    refs: dict[Any, Json] = {model: schema for (model, _), schema in names.items()}
    components["OrderBody"] = {
        "description": "An order; its shape follows from its policy.",
        "oneOf": [refs[shape] for shape in SHAPES.values()],
    }
    refs[OrderBody] = {"$ref": "#/components/schemas/OrderBody"}
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "crypto-sor", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/", "description": deployment}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "sor_session"},
            },
        },
        "x-problems": {
            code.value: {
                "status": kind.status,
                "title": kind.title,
                "outcome": kind.outcome,
                "retryable": kind.retryable,
            }
            for code, kind in KINDS.items()
        },
    }


def _models() -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = dict.fromkeys([Problem, *SHAPES.values()])
    for route in ROUTES:
        for model in (route.answer, route.body):
            if model is not None and model is not OrderBody:
                found[model] = None
    return list(found)


def _is_given(model: type[BaseModel]) -> bool:
    return model in {route.body for route in ROUTES} or model in SHAPES.values()


def _operation(route: Route, refs: dict[Any, Json]) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{NAME.pattern}$"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    parameters += _query_parameters(route.query)
    parameters += [_header(name, required=required) for name, required in _headers(route)]
    operation: Json = {
        "operationId": re.sub(r"\W+", "_", route.name).strip("_").lower(),
        "summary": route.summary,
        "parameters": parameters,
        "responses": _responses(route, refs),
        "x-roles": [] if route.action is None else [role for role in Role if role in RULES[route.action]],
    }
    about = getattr(route.handler or route.once, "__doc__", None)
    if about:
        operation["description"] = about
    if route.action is not None:
        operation["security"] = [{"key": []}, {"session": []}]
    if route.body is not None:
        operation["requestBody"] = {
            "required": bool(refs[route.body] and _required(route.body)),
            "content": {"application/json": {"schema": refs[route.body]}},
        }
    return operation


def _required(model: type[BaseModel]) -> bool:
    return model is OrderBody or any(field.is_required() for field in model.model_fields.values())


def _query_parameters(model: type[BaseModel]) -> list[Json]:
    schema = model.model_json_schema()
    needed = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _plain(field)}
        for name, field in schema.get("properties", {}).items()
    ]


def _plain(schema: Json) -> Json:
    """A parameter is there or not; it is never null."""
    inner = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "title", "default"}}
    if inner:
        kept |= inner[0]
    if schema.get("default") is not None:
        kept["default"] = schema["default"]
    return kept


def _headers(route: Route) -> list[tuple[str, bool]]:
    found = [("Idempotency-Key", True)] if route.once is not None else []
    if route.if_match:
        found.append(("If-Match", True))
    if route.path == "/v1/stream":
        found.append(("Last-Event-ID", False))
    return found


_HEADER_PATTERNS = {
    "Idempotency-Key": r"^[A-Za-z0-9_\-]{8,64}$",
    "If-Match": r'^"[0-9]{1,18}"$',
    "Last-Event-ID": f"^{EVENT_ID.pattern}$",
}


def _header(name: str, *, required: bool) -> Json:
    schema = {"type": "string", "pattern": _HEADER_PATTERNS[name]}
    return {"name": name, "in": "header", "required": required, "schema": schema}


def _responses(route: Route, refs: dict[Any, Json]) -> Json:
    content: Json = {"schema": {"type": "string"} if route.answer is None else refs[route.answer]}
    good = {"description": route.summary, "content": {route.media: content}}
    found: Json = {str(route.status): good}
    if route.once is not None and route.status == 201:  # noqa: PLR2004 - the same order, by its reference
        found["200"] = good
    if route.path == "/readyz":
        found["503"] = good
    problem = {"application/problem+json": {"schema": refs[Problem]}}
    for status in sorted({KINDS[code].status for code in _codes(route)} - set(map(int, found))):
        titles = [KINDS[code].title for code in _codes(route) if KINDS[code].status == status]
        found[str(status)] = {"description": "; ".join(titles), "content": problem}
    return found


def _codes(route: Route) -> list[Code]:
    """What can be wrong with this route."""
    found = [Code.OTHER_SITE, Code.NO_SUCH_METHOD, Code.NOT_VALID, Code.TOO_MANY, Code.INTERNAL, Code.NO_DATABASE]
    if route.action is not None:
        found += [Code.NOT_KNOWN, Code.NOT_ALLOWED]
    if "{" in route.path or route.path == "/v1/books":
        found.append(Code.NOT_FOUND)
    if route.body is not None:
        found += [Code.NOT_JSON, Code.TOO_SLOW, Code.TOO_LARGE, Code.NOT_THIS_MEDIA]
    if route.path == "/v1/session":
        found.append(Code.NOT_KNOWN)
    if route.path in {"/v1/books", "/v1/estimate"}:
        found.append(Code.NO_MARKET)
    if route.once is not None:
        found += [Code.KEY_MISSING, Code.IN_PROGRESS, Code.KEY_REUSED, Code.REF_ID_TAKEN, Code.HAS_ENDED]
    if route.if_match:
        found += [Code.OTHER_VERSION, Code.VERSION_MISSING]
    return [code for code in Code if code in found]
