"""The document is believed: what it says comes in is sent, by the thousand, and what comes back is what it says."""

import asyncio
import json
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error, response_schema_conformance
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    status_code_conformance,
)

from router.api.openapi import document
from tests.api.rig import Office

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDLESS = "/v1/stream"
EXAMPLES = 100


@pytest.mark.nightly
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(1_700)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
async def test_every_answer_is_as_documented_whatever_is_sent(desk: Office):
    """No 5xx but where there is no market, no status, media type or shape that the document does not know."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document())))
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == ENDLESS:
            continue
        tried += 1
        await asyncio.to_thread(_try, operation, desk.client.url)
    assert tried > 25


def _try(operation: schemathesis.APIOperation, url: str) -> None:
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: schemathesis.Case) -> None:
            response = case.call(base_url=url)
            case.validate_response(response, checks=CHECKS)

        with suppress(Unsatisfiable):  # nothing goes in there, so nothing can be wrong with it
            one()
