"""Write the JSON schemas of the files that people hand in: `python -m tests.docs.schemas`."""

import json
from pathlib import Path

from pydantic import BaseModel

from router.cli.tca_file import TcaCase
from router.cli.whatif_fillprob import FillprobCase
from router.cli.whatif_place import PlaceCase
from router.cli.whatif_schedule import ScheduleCase
from router.cli.whatif_split import SplitCase
from router.requests.curves import CurveBody

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schemas"
CASES: dict[str, type[BaseModel]] = {
    "whatif-schedule": ScheduleCase,
    "whatif-place": PlaceCase,
    "whatif-fillprob": FillprobCase,
    "whatif-split": SplitCase,
    "volume-curve": CurveBody,
    "tca": TcaCase,
}


def text(case: type[BaseModel]) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | case.model_json_schema()
    return json.dumps(schema, indent=2) + "\n"


def path(name: str) -> Path:
    return FOLDER / f"{name}.schema.json"


if __name__ == "__main__":
    for name, case in CASES.items():
        path(name).write_text(text(case))
