"""A Python writer as bench/repositories_bench.cpp asks it: one JSON object a line, question and answer.

  python_writer.py PACKAGES DSN

PACKAGES: the folder of asyncpg. It does what draive's `define` does to the server: a connection borrowed from a pool, the
INSERT, the connection given back, which resets its session. The library's own work around that is left out, so its
`define` takes longer than what is measured here.
"""

import asyncio
import json
import statistics
import sys
import time

sys.path.insert(0, sys.argv[1])

import asyncpg


async def define(pool, statement, content):
    async with pool.acquire() as connection:
        await connection.execute(statement, "python", content)


async def median_microseconds(pool, table, content, seconds):
    statement = f"INSERT INTO {table} (identifier, content) VALUES ($1, $2::jsonb)"
    await define(pool, statement, content)  # prepares it
    times = []
    end = time.perf_counter() + seconds
    while not times or times[-1][1] < end:
        start = time.perf_counter()
        await define(pool, statement, content)
        times.append((start, time.perf_counter()))
    return statistics.median(after - before for before, after in times) * 1e6


async def main():
    words = dict(word.split("=", 1) for word in sys.argv[2].split())
    words["database"] = words.pop("dbname")
    async with asyncpg.create_pool(**words, min_size=1, max_size=1) as pool:
        for line in sys.stdin:
            question = json.loads(line)
            took = await median_microseconds(pool, question["table"], question["content"], question["seconds"])
            print(json.dumps({"microseconds": took}), flush=True)


asyncio.run(main())
