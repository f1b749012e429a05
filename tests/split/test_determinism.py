"""The same view and the same request make the same plan and the same proof, in any process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRINTED = """
import random
from router.split.proof import prove
from tests.split.families import FAMILIES
from tests.split.wild import wild_request
for name, make in FAMILIES.items():
    for number in range(2):
        print(prove(make(random.Random(f"{name}/{number}"))))
for seed in range(8):
    print(prove(wild_request(seed)))
"""


def test_byte_for_byte_in_any_process():
    told = [_told(seed) for seed in ("0", "4242")]
    assert told[0].count(b"Proof(") == 16
    assert told[0] == told[1]


def _told(hash_seed: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", PRINTED],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    ).stdout
