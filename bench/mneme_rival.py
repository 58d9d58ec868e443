"""mneme as bench/cache_bench.cpp asks it: one JSON object a line, question and answer.

  mneme_rival.py PACKAGES DSN SCHEMA DIMENSION

PACKAGES: the folder of mneme, psycopg and NumPy. It works on the rows that the benchmark made: question i is "q<i>",
its answer "r<i>". All vectors are given, so that the cache is measured and no embedder.
"""

import json
import resource
import statistics
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])

import numpy
from mneme import SemanticCache
from mneme._store_postgres import PostgresStore


class NoEmbedder:
    dim = int(sys.argv[4])
    fingerprint = "bench"

    def embed(self, text):
        raise RuntimeError("the vector was given")


def check(hit, i):
    if hit is None or hit.response != f"r{i}":
        raise RuntimeError(f"question {i} has another answer: {hit}")


class Rival:
    def __init__(self):
        self.cache = None
        self.vectors = {}
        self.next = 0

    def open(self, question):
        if self.cache is not None:
            self.cache.close()
        begin = time.perf_counter()
        self.cache = SemanticCache(
            store=PostgresStore(sys.argv[2], schema=sys.argv[3]),
            embedder=NoEmbedder(),
            similarity_threshold=0.8,
            vector_dtype=question.get("dtype", "float32"),
        )
        return time.perf_counter() - begin

    def exact(self, i):
        check(self.cache.get(f"q{i}", embedding=self.nothing), i)

    # no two elements alike, as in an embedding: the server compresses what repeats itself
    nothing = numpy.random.default_rng(1).standard_normal(NoEmbedder.dim).astype(numpy.float32)

    def put(self, _):
        self.next += 1
        self.cache.put(f"new {self.next}", "r", embedding=self.nothing, namespace="puts")

    def replace(self, i):
        self.cache.put(f"again {i % 100}", str(i), embedding=self.nothing, namespace="puts")

    def miss(self, i):
        """In both layers, which is what mneme's own benchmark measures as exact hits."""
        if self.cache.get("never asked", embedding=self.unlike[i % 100]) is not None:
            raise RuntimeError("nothing is so much alike")

    unlike = numpy.random.default_rng(42).standard_normal((100, NoEmbedder.dim)).astype(numpy.float32)

    def mixed(self, i):
        """Nine gets for each put."""
        self.made += 1
        if self.made % 10 == 0:
            self.put(i)
        else:
            self.exact(i)

    made = 0

    def remove(self, question):
        for i in range(0, question["rows"], question["every"]):
            self.cache.delete(f"q{i}")
        return 0

    def semantic(self, question):
        vector = numpy.frombuffer(bytes.fromhex(question["vector"]), dtype=numpy.float32)
        begin = time.perf_counter()
        hit = self.cache.get("never asked", embedding=vector, namespace=question["namespace"])
        took = time.perf_counter() - begin
        check(hit, question["number"])
        return took

    def median(self, question):
        """The median time of one call."""
        return statistics.median(self.times(question))

    def p99(self, question):
        times = sorted(self.times(question))
        return times[len(times) * 99 // 100]

    def calls(self, question):
        """So many calls, for what they cost elsewhere."""
        work, rows = getattr(self, question["work"]), question["rows"]
        for i in range(question["count"]):
            work(i * 7919 % rows)
        return question["count"]

    def peak(self, _):
        """The most memory that this process ever had, in bytes."""
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def evict(self, question):
        """The time of the first put that has to evict, in another schema that is full or nearly so."""

        class Given(NoEmbedder):
            dim = question["dimension"]

        store = PostgresStore(sys.argv[2], schema=question["schema"])
        cache = SemanticCache(store=store, embedder=Given(), max_entries=question["most"])
        vector = numpy.ones(Given.dim, dtype=numpy.float32)
        i, before = 0, cache.stats().evictions  # Stele's are among them
        while cache.stats().evictions == before:
            i += 1
            begin = time.perf_counter()
            cache.put(f"mneme's {i}", "r", embedding=vector)
            took = time.perf_counter() - begin
        cache.close()
        return took

    def times(self, question):
        work, rows = getattr(self, question["work"]), question["rows"]
        times = []
        begin = time.perf_counter()
        end, i = begin + question["seconds"], 0
        while begin < end:
            i = (i * 7919 + 13) % rows
            work(i)
            now = time.perf_counter()
            times.append(now - begin)
            begin = now
        return times

    def rate(self, question):
        """Calls a second by several threads."""
        work, rows = getattr(self, question["work"]), question["rows"]
        counts = [0] * question["threads"]
        begin = time.perf_counter()
        end = begin + question["seconds"]

        def run(thread):
            i = thread * 31
            while time.perf_counter() < end:
                i = (i * 7919 + 13) % rows
                work(i)
                counts[thread] += 1

        threads = [threading.Thread(target=run, args=(thread,)) for thread in range(len(counts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.perf_counter() - begin)


rival = Rival()
for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"figure": getattr(rival, question["do"])(question)}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
