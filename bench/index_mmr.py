"""Maximal marginal relevance in NumPy, as bench/index_bench.cpp asks for it: one JSON object a line, question and answer.

  index_mmr.py PACKAGES

PACKAGES: the folder of NumPy. It chooses as draive does: in double precision, every cosine computed when it is needed,
so limit x limit x candidates of them. What is measured begins with the vectors in arrays, after they were read.
"""

import json
import statistics
import sys
import time

sys.path.insert(0, sys.argv[1])

import numpy as np


def cosine(rows, vector):
    """Of each row to the vector; nothing has no direction and is similar to nothing."""
    lengths = np.linalg.norm(rows, axis=1)
    lengths[lengths == 0] = 1
    length = np.linalg.norm(vector) or 1
    return rows @ vector / (lengths * length)


def choose(query, candidates, limit, weight):
    relevance = cosine(candidates, query)
    chosen = [int(np.argmax(relevance))]
    while len(chosen) < min(limit, len(candidates)):
        best, best_score = None, -np.inf
        taken = candidates[chosen]
        for i in range(len(candidates)):
            if i in chosen:
                continue
            score = weight * relevance[i] - (1 - weight) * cosine(taken, candidates[i]).max()
            if score > best_score:
                best, best_score = i, score
        chosen.append(best)
    return chosen


def main():
    for line in sys.stdin:
        question = json.loads(line)
        if "query" in question:
            query = np.array(question["query"], dtype=np.float64)
            candidates = np.array(question["candidates"], dtype=np.float64)
        times = []
        end = time.perf_counter() + question["seconds"]
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            chosen = choose(query, candidates, question["limit"], 0.5)
            times.append(time.perf_counter() - start)
        print(json.dumps({"seconds": statistics.median(times), "chosen": chosen}), flush=True)


main()
