"""`python -m tests.rules.oracle --cases 1000 --seed 7 --database postgresql`: play so many drawn apps, and say what was compared.

`python -m tests.rules.oracle queries --cases 200000 --seed 7`: so many questions, put to drawn apps; `--again 7:12` asks those of one app again.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.databases import DATABASES, database_url
from tests.rules.oracle import play as apps
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries import play as queries
from tests.rules.oracle.queries.play import Mistaken
from tests.rules.oracle.queries.shrink import smallest

COMPARED = ("comparisons", "dumps", "cases", "twins", "thrice")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rules.oracle")
    parser.add_argument("what", nargs="?", choices=["apps", "queries"], default="apps")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", default=str(secrets.randbelow(10**9)))
    parser.add_argument("--again", help="play one app by the seed that a mismatch names")
    parser.add_argument("--each", type=int, default=100, help="questions to one app")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--go-on", action="store_true", help="play on after a mismatch")
    parser.add_argument("--shrink", action="store_true", help="make a mismatch small before it is told")
    chosen = parser.parse_args()
    print(f"seed {chosen.again or chosen.seed}", flush=True)
    names = DATABASES if chosen.database == "both" else (chosen.database,)
    begun, total, failed, played = time.monotonic(), Counter[str](), 0, 0
    while played < (1 if chosen.again else chosen.cases if chosen.what == "apps" else chosen.cases // (chosen.each * len(names)) or 1):
        seed = chosen.again or f"{chosen.seed}:{played}"
        played += 1
        for name in names:
            try:
                with tempfile.TemporaryDirectory() as folder, database_url(name, Path(folder)) as url:
                    total += apps.play(seed, url) if chosen.what == "apps" else queries.play(seed, url, chosen.each)
            except Mismatch as mismatch:
                failed += 1
                print(f"--- {name}\n{mismatch}\n", flush=True)
                if chosen.shrink and isinstance(mismatch, Mistaken) and mismatch.case is not None:
                    case, said = smallest(mismatch.case, name)
                    print(f"--- small\n{said}\n{case}\n", flush=True)
                if not chosen.go_on:
                    return 1
    seconds = time.monotonic() - begun
    told = ", ".join(f"{total[each]} {each}" for each in COMPARED if total[each])
    print(f"{played} apps, {told} compared in {seconds:.0f} s ({_asked(total) / seconds:.0f} a second), {failed} mismatches")
    print(", ".join(f"{name}: {count}" for name, count in sorted(total.items()) if name not in COMPARED))
    return 1 if failed else 0


def _asked(total: Counter[str]) -> int:
    return sum(total[each] for each in COMPARED if each != "dumps")


if __name__ == "__main__":
    sys.exit(main())
