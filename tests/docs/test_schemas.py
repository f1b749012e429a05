"""The schemas that users read are those the code holds cases to."""

import pytest

from tests.docs import schemas


@pytest.mark.parametrize("name", schemas.CASES)
def test_a_schema_is_the_codes(name: str) -> None:
    """After a change of a case: `python -m tests.docs.schemas`."""
    assert schemas.path(name).read_text() == schemas.text(schemas.CASES[name])


def test_every_schema_has_an_example_and_a_line_on_the_page() -> None:
    """No file here that nothing writes, and none that the page does not name."""
    page = (schemas.FOLDER / "README.md").read_text()
    names = {path.name for path in schemas.FOLDER.glob("*.json")}

    assert names == {f"{name}.{kind}.json" for name in schemas.CASES for kind in ("schema", "example")}
    assert all(name in page for name in names)
