"""`python -m tests.rules.oracle --cases 1000 --seed 7 --database postgresql`: play so many drawn apps, and say what was compared."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.databases import DATABASES, database_url
from tests.rules.oracle.play import Mismatch, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rules.oracle")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", default=str(secrets.randbelow(10**9)))
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--go-on", action="store_true", help="play on after a mismatch")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    begun, total, failed = time.monotonic(), Counter[str](), 0
    for index in range(chosen.cases):
        for name in DATABASES if chosen.database == "both" else (chosen.database,):
            try:
                with tempfile.TemporaryDirectory() as folder, database_url(name, Path(folder)) as url:
                    total += play(f"{chosen.seed}:{index}", url)
            except Mismatch as mismatch:
                failed += 1
                print(f"--- {name}\n{mismatch}\n", flush=True)
                if not chosen.go_on:
                    return 1
    seconds = time.monotonic() - begun
    print(f"{chosen.cases} apps, {total['comparisons']} replies and {total['dumps']} dumps compared in {seconds:.0f} s, {failed} mismatches")
    print(", ".join(f"{name}: {count}" for name, count in sorted(total.items()) if name not in ("comparisons", "dumps")))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
