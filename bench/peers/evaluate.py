#!/usr/bin/python3
"""The metrics of a run, found without any of the library: NumPy alone, from the files of the dataset and of the run.

  evaluate.py DATASET RUN [--unmasked] [--candidates 500] [--compare]

Prints the metrics as one JSON object, in the form of `hashgnn evaluate --json`; with --compare checks them against those
that `hashgnn evaluate` wrote into RUN/result.json, to four decimals, and exits with 1 where they differ.
Needs Debian's python3-numpy.
"""
import argparse
import json
import os
import sys

import numpy as np

CUTOFFS = (10, 20, 50, 100)

parser = argparse.ArgumentParser()
parser.add_argument("dataset")
parser.add_argument("run")
parser.add_argument("--unmasked", action="store_true")
parser.add_argument("--candidates", type=int, default=500)
parser.add_argument("--compare", action="store_true")
args = parser.parse_args()


def lists(*names):
    """The items of every user in some parts of the dataset."""
    found = {}
    for name in names:
        for user, item in np.load(os.path.join(args.dataset, name + ".npy")):
            found.setdefault(int(user), []).append(int(item))
    return found


def load(kind, side):
    return np.load(os.path.join(args.run, kind, side + ".npy"))


user_bits = np.unpackbits(load("codes", "users"), axis=1, bitorder="little").astype(np.int32)
item_bits = np.unpackbits(load("codes", "items"), axis=1, bitorder="little").astype(np.int32)
user_z, item_z = load("embeddings", "users"), load("embeddings", "items")
with open(os.path.join(args.run, "config.json")) as file:
    options = json.load(file)
with open(os.path.join(args.run, "result.json")) as file:
    result = json.load(file)
signs = options["embeddings"] == "hash" and options["codes"] == "sign" and "refinement" not in result
if signs and not (np.array_equal(user_bits == 1, user_z >= 0) and np.array_equal(item_bits == 1, item_z >= 0)):
    sys.exit("the codes are not the signs of the embeddings")
if args.compare and "test" not in result:
    sys.exit(f"{args.run} has no test metrics to compare with: run hashgnn evaluate first")
items = len(item_z)
train = lists("train")
seen, test = lists("train", "valid"), lists("test")
popularity = np.zeros(items, np.int64)
for row in train.values():
    popularity[row] += 1
k = max(CUTOFFS)
discounts = 1 / np.log2(np.arange(2, k + 2))
sums = {}


def score(search, ranking, wanted):
    """Adds one user's metrics: ranking is the best k items, best first."""
    hits = np.zeros(k, bool)
    hits[: len(ranking)] = np.isin(ranking, list(wanted))
    for n in CUTOFFS:
        found = int(hits[:n].sum())
        gain = float(discounts[:n][hits[:n]].sum())
        best = float(discounts[: min(n, len(wanted))].sum())
        moved = float(discounts[:found].sum())
        for name, value in (
            ("HR", found / len(wanted)),
            ("hit", float(found > 0)),
            ("ndcg", gain / best),
            ("ndcg_retrieved", gain / moved if found else 0.0),
        ):
            table = sums.setdefault(search, {})
            table[f"{name}@{n}"] = table.get(f"{name}@{n}", 0.0) + value


ids = np.arange(items)
for user, wanted in test.items():
    mask = np.zeros(items, bool)
    if not args.unmasked:
        mask[seen.get(user, [])] = True
    allowed = ids[~mask]
    distance = (user_bits[user] != item_bits).sum(1)
    by_code = allowed[np.lexsort((allowed, distance[allowed]))]
    score("hamming", by_code[:k], wanted)
    # Float64 sums of float32 products: rounding apart, the order that float32 sums give.
    product = item_z.astype(np.float64) @ user_z[user].astype(np.float64)
    few = by_code[: args.candidates]
    score("hierarchical", few[np.lexsort((few, -product[few]))][:k], wanted)
    score("exact", allowed[np.lexsort((allowed, -product[allowed]))][:k], wanted)
    score("popularity", allowed[np.lexsort((allowed, -popularity[allowed]))][:k], wanted)

metrics = {search: {name: value / len(test) for name, value in table.items()} for search, table in sums.items()}
print(json.dumps({"users": len(test), **metrics}))
if args.compare:
    theirs = result["test"]
    worst = max(abs(metrics[s][m] - theirs[s][m]) for s in metrics for m in metrics[s])
    count = sum(len(table) for table in metrics.values())
    print(f"{count} metrics, largest difference {worst:.2e}", file=sys.stderr)
    sys.exit(worst >= 5e-5)
