"""How fast, and in how much memory, is a settlement parsed, classified and grouped?

The opponent is the obvious way, ``csv.DictReader`` and ``Decimal``, on the same file in the same run, with the same
sums as result: by local month, label and marketplace, and the tax that every order leaves. Every measurement runs in a
process of its own and counts processor time, so that other work on the machine matters little. Asked: at least 2.5 times
as fast at a million rows, at most 16 MiB of memory on top of the imported modules, flat from ten thousand to five
million rows.

    python -m benchmarks.settlement_parse            # two minutes; writes results/settlement_parse.json
"""

import argparse
import csv
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from amazon.labels import classify
from amazon.settlement_file import decompressed, read
from bookkeeping.accounts import AccountKey
from bookkeeping.facts import Label
from bookkeeping.statement import build

RESULTS = Path(__file__).parent / "results"
ROWS, SIZES = 1_000_000, (10_000, 100_000, 1_000_000, 5_000_000)
FASTER, MEMORY_MIB = 2.5, 16
SEED, SETTLEMENT, TOTAL = 7, "18000000001", 12345678
STAMP = "%Y-%m-%d %H:%M:%S UTC"
ZONE = ZoneInfo("America/Los_Angeles")
START = datetime(2026, 9, 20, 14, tzinfo=UTC)
PERIOD = timedelta(days=14)
COLUMNS = (
    *("settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency"),
    *("transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name"),
    *("amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time"),
    *("order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased"),
    "promotion-id",
)


def generate(path: Path, rows: int) -> None:
    """Write a gzipped V2 file of about this many rows, the same one every time."""
    dates = (START, START + PERIOD, START + PERIOD + timedelta(days=2))
    summary = [SETTLEMENT, *(at.strftime(STAMP) for at in dates), _money(TOTAL), "USD", *[""] * 18]
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=6) as out:
        out.write("\t".join(COLUMNS) + "\n" + "\t".join(summary) + "\n")
        out.writelines(_lines(random.Random(SEED), rows))


def _lines(chance: random.Random, rows: int) -> Iterator[str]:
    left, number, total = rows, 0, 0
    while left > 1:
        number += 1
        kind = "Refund" if chance.random() < 0.04 else "Order"
        order = f"1{number % 90 + 10:02}-{number * 7919 % 10**7:07}-{number % 10**7:07}"
        posted = START + PERIOD * (number / rows)
        front = f"{SETTLEMENT}\t\t\t\t\t\t{kind}\t{order}\t{order}\t\tB{number:09}\tAmazon.com"
        back = f"AFN\t{posted:%Y-%m-%d}\t{posted:{STAMP}}\t{13610448 * 10**6 + number}\t\t\tSKU-{chance.randrange(2000):05}\t1\t"
        for name, amount in _order(chance, kind)[: left - 1]:
            left, total = left - 1, total + amount
            yield f"{front}\t{name}\t{_money(amount)}\t{back}\n"
    name = "other-transaction\tPrevious Reserve Amount Balance"
    front = f"{SETTLEMENT}\t\t\t\t\t\tother-transaction\t\t\t\t\t"
    yield f"{front}\t{name}\t{_money(TOTAL - total)}\t\t{START:%Y-%m-%d}\t{START:{STAMP}}\t\t\t\t\t\t\n"


def _money(cents: int) -> str:
    return f"{'-' * (cents < 0)}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _order(chance: random.Random, kind: str) -> list[tuple[str, int]]:
    sign = -1 if kind == "Refund" else 1
    price = chance.randrange(500, 9000)
    tax = price * 8 // 100
    found = [
        ("ItemPrice\tPrincipal", price),
        ("ItemPrice\tTax", tax),
        ("ItemWithheldTax\tMarketplaceFacilitatorTax-Principal", -tax),
        ("ItemFees\tCommission", -price * 15 // 100),
        ("ItemFees\tFBAPerUnitFulfillmentFee", -chance.choice((322, 386, 475, 540))),
    ]
    if chance.random() < 0.3:
        found += [("ItemPrice\tShipping", 599), ("Promotion\tShipping", -599)]
    return [(name, sign * amount) for name, amount in found]


def ours(path: Path) -> dict[str, str]:
    def chunks() -> Iterator[bytes]:
        with path.open("rb") as file:
            yield from decompressed(iter(lambda: file.read(1 << 20), b""), 4 << 30)

    found = read(chunks)
    statement = build(found.header, found, classify=classify, zone_of=ZONE, orders=frozenset())
    sums: Counter[str] = Counter()
    for one in statement.sums:
        sums["|".join((str(statement.parts[one.part - 1].month), *one.label, one.marketplace))] += one.amount
    residual = sum(one.amount for one in statement.taxes)
    return {name: str(Decimal(amount) / 100) for name, amount in sums.items()} | {
        "tax left": str(Decimal(residual) / 100)
    }


def obvious(path: Path) -> dict[str, str]:
    @lru_cache(maxsize=4096)
    def month_of(text: str) -> date:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).astimezone(ZONE).date().replace(day=1)

    sums: defaultdict[tuple[date, str, str, str, str], Decimal] = defaultdict(Decimal)
    taxes: defaultdict[str, Decimal] = defaultdict(Decimal)
    meaning = lru_cache(maxsize=4096)(lambda *triple: classify(Label(*triple)))
    total = None
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["total-amount"]:
                total = Decimal(row["total-amount"])
                continue
            triple = (row["transaction-type"], row["amount-type"], row["amount-description"])
            amount = Decimal(row["amount"])
            sums[month_of(row["posted-date-time"]), *triple, row["marketplace-name"]] += amount
            if meaning(*triple).account is AccountKey.TAX_CLEARING:
                order = row["order-id"]
                taxes[order] += amount
                if not taxes[order]:
                    del taxes[order]
    assert sum(sums.values()) == total
    return {"|".join(map(str, key)): str(amount) for key, amount in sums.items()} | {
        "tax left": str(sum(taxes.values(), Decimal()))
    }


WAYS: dict[str, Callable[[Path], dict[str, str]]] = {"ours": ours, "obvious": obvious}


def child(way: str, path: Path) -> None:
    """Do it once and print what it took. The peak so far is that of the imports."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    sums = WAYS[way](path)
    seconds = time.process_time() - begun
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    normal = {name: f"{Decimal(amount):.2f}" for name, amount in sorted(sums.items())}
    print(json.dumps({"seconds": seconds, "grown_mib": grown / 1024, "sums": normal}))


def measured(way: str, path: Path) -> dict:
    command = [sys.executable, "-m", "benchmarks.settlement_parse", "--child", way, str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    return json.loads(answer.stdout)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--child", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options.add_argument("--rows", type=int, default=ROWS, help="rows of the race")
    options.add_argument("--repeat", type=int, default=3, help="runs of the race; the best of each way counts")
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.child[0], Path(chosen.child[1]))
        return 0
    with tempfile.TemporaryDirectory(prefix="settlement-parse-") as folder:
        result = race(Path(folder), chosen.rows, chosen.repeat)
        result["sizes"] = [growth(Path(folder), rows) for rows in SIZES]
    result["passed"] = result["ratio"] >= FASTER and all(one["grown_mib"] <= MEMORY_MIB for one in result["sizes"])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "settlement_parse.json").write_text(json.dumps(result, indent=2) + "\n")
    for one in result["sizes"]:
        print(f"{one['rows']:>9,} rows  {one['us_per_row']:.2f} µs a row  +{one['grown_mib']:.1f} MiB")
    print(
        f"{result['rows']:,} rows: {result['ours_us']:.2f} µs a row, obvious way {result['obvious_us']:.2f} µs,",
        end=" ",
    )
    print(f"{result['ratio']:.2f} times as fast (asked: {FASTER}); {'passed' if result['passed'] else 'NOT PASSED'}")
    return 0 if result["passed"] else 1


def race(folder: Path, rows: int, repeat: int) -> dict:
    path = folder / "race.gz"
    generate(path, rows)
    best: dict[str, float] = {}
    for _ in range(repeat):
        sums = []
        for way in WAYS:
            found = measured(way, path)
            best[way] = min(found["seconds"], best.get(way, found["seconds"]))
            sums.append(found["sums"])
        if sums[0] != sums[1]:
            raise SystemExit("the two ways disagree on the sums")
    per_row = {f"{way}_us": seconds / rows * 1e6 for way, seconds in best.items()}
    return {"rows": rows, "python": sys.version.split()[0], **per_row, "ratio": best["obvious"] / best["ours"]}


def growth(folder: Path, rows: int) -> dict:
    path = folder / "growth.gz"
    generate(path, rows)
    found = [measured("ours", path) for _ in range(2)]
    seconds, grown = min(one["seconds"] for one in found), max(one["grown_mib"] for one in found)
    return {"rows": rows, "us_per_row": seconds / rows * 1e6, "grown_mib": grown}


if __name__ == "__main__":
    sys.exit(main())
