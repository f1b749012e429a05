"""The API's document is the code's, and its page needs nothing from anywhere else."""

import json
import re

from router.access import RULES
from router.api.docs_page import STYLE, page
from router.api.openapi import document
from router.api.problems import Code
from router.api.routes import ROUTES
from tests.docs import openapi


def test_the_committed_document_is_the_codes() -> None:
    """After a change of routes or models: `python -m tests.docs.openapi`."""
    assert openapi.PATH.read_text() == openapi.text()


def test_every_route_is_in_it_with_its_roles() -> None:
    """What is registered is what is documented, and what is checked is what is said."""
    paths = document()["paths"]
    for route in ROUTES:
        one = paths[route.path][route.method.lower()]
        assert one["x-roles"] == (
            []
            if route.action is None
            else sorted(RULES[route.action], key=list(type(next(iter(RULES[route.action])))).index)
        )
    assert sum(len(methods) for methods in paths.values()) == len(ROUTES)


def test_every_reference_in_it_leads_somewhere() -> None:
    """And every field of an order stands in it."""
    text = json.dumps(document())
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= document()["components"]["schemas"].keys()
    assert "max_share_per_venue" in text


def test_the_page_shows_all_of_it_and_loads_nothing_from_elsewhere() -> None:
    """No script, no address outside; every route and every problem has its place."""
    shown = page(document())
    assert not re.search(r"<script|https?://|//[a-z]", shown + STYLE, flags=re.IGNORECASE)
    assert all(f'id="{code}"' in shown for code in Code)
    assert all(route.path in shown for route in ROUTES)
