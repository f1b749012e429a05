"""The document as a page: plain HTML, one style sheet of our own, no script, nothing from anywhere else."""

import json
from html import escape
from typing import Any

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid #8888; padding-top: 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow: auto; padding: .75rem; border: 1px solid #8888; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; }
.method { font-weight: 700; } .roles { color: #666; } @media (prefers-color-scheme: dark) { .roles { color: #aaa; } }
"""


def page(document: Json) -> str:
    """All of it."""
    paths = [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]
    contents = "".join(
        f'<li><a href="#{one["operationId"]}"><code>{method.upper()} {escape(path)}</code></a> '
        f"{escape(one['summary'])}</li>"
        for path, method, one in paths
    )
    about = "".join(f"<p>{escape(part)}</p>" for part in document["info"]["description"].split("\n\n"))
    body = "".join(_operation(path, method, one) for path, method, one in paths)
    schemas = "".join(_schema(name, one) for name, one in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>crypto-sor API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs.css"></head><body>'
        f"<h1>crypto-sor API, version {escape(document['info']['version'])}</h1>{about}"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"<nav><ul>{contents}</ul></nav><main>{body}<h2>Problems</h2>{_problems(document['x-problems'])}"
        f"<h2>Schemas</h2>{schemas}</main></body></html>"
    )


def _operation(path: str, method: str, one: Json) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td>"
        f"<td>{'required' if each['required'] else 'optional'}</td>"
        f"<td><code>{escape(_short(each['schema']))}</code></td></tr>"
        for each in one["parameters"]
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{escape(each['description'])}</td><td>{_refs(each)}</td></tr>"
        for status, each in one["responses"].items()
    )
    body = f"<p>Body: {_refs(one['requestBody'])}</p>" if "requestBody" in one else ""
    roles = ", ".join(one["x-roles"]) or "open to anybody"
    return (
        f'<section id="{one["operationId"]}">'
        f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>'
        f'<p>{escape(str(one.get("description", one["summary"])))}</p><p class="roles">Roles: {escape(roles)}</p>{body}'
        f"<table>{parameters}</table><table>{answers}</table></section>"
    )


def _problems(problems: Json) -> str:
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{one["status"]}</td><td>{escape(one["title"])}</td>'
        f"<td>{one['outcome']}{', may be tried again' if one['retryable'] else ''}</td></tr>"
        for code, one in problems.items()
    )
    return f"<table><tr><th>code</th><th>status</th><th>meaning</th><th>outcome</th></tr>{rows}</table>"


def _schema(name: str, schema: Json) -> str:
    text = json.dumps(schema, indent=2)
    return f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3><pre>{escape(text)}</pre></section>'


def _refs(part: Json) -> str:
    """Links to the schemas of a body or an answer."""
    found = []
    for media, content in part.get("content", {}).items():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        link = f'<a href="#schema-{escape(name)}">{escape(name)}</a>' if name else ""
        found.append(f"<code>{escape(media)}</code> {link}")
    return ", ".join(found)


def _short(schema: Json) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    bounds = [f"{name} {schema[name]}" for name in ("minimum", "maximum", "default", "pattern") if name in schema]
    return ", ".join([str(schema.get("type", "")), *bounds])
