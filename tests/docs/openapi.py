"""Write the committed copy of the API's document: `python -m tests.docs.openapi`."""

import json
from pathlib import Path

from router.api.openapi import document

PATH = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def text() -> str:
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())
