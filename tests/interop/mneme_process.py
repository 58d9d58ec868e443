#!/usr/bin/env python3
"""A process with mneme, driven through its standard input: a line an order, a line an answer, both JSON.

  mneme_process.py DSN SCHEMA PACKAGES

PACKAGES: the folder of mneme, psycopg and NumPy (scripts/install_mneme). An order is {"do": METHOD, ...} for a method of
Process below. Anything may answer "error TEXT". Ends with its input.
"""

import json
import sys
import threading

sys.path.insert(0, sys.argv[3])

import numpy
from mneme import SemanticCache
from mneme._normalize import hash_query, normalize
from mneme._store_postgres import PostgresStore


class GivenVectors:
    """Both sides use the vectors that the test gives, so that they are the same."""

    def __init__(self, dim, fingerprint):
        self.dim = dim
        self.fingerprint = fingerprint

    def embed(self, text):
        raise RuntimeError("the vector was to be given")


def floats(vector):
    return numpy.array(vector, dtype=numpy.float32)


class Process:
    def open(self, dim, fingerprint, options):
        self.store = PostgresStore(sys.argv[1], schema=sys.argv[2])
        self.cache = SemanticCache(store=self.store, embedder=GivenVectors(dim, fingerprint), **options)

    def close(self):
        self.cache.close()

    def get(self, query, vector, namespace):
        hit = self.cache.get(query, embedding=floats(vector), namespace=namespace)
        if hit is None:
            return None
        return {
            "response": hit.response,
            "similarity": hit.similarity,
            "age": hit.age_seconds,
            "layer": hit.layer,
            "metadata": hit.metadata,
        }

    def put(self, query, response, vector, namespace, metadata=None, ttl=None):
        self.cache.put(
            query, response, embedding=floats(vector), namespace=namespace, metadata=metadata, ttl=ttl
        )

    def delete(self, query, namespace):
        return self.cache.delete(query, namespace=namespace)

    def delete_by_id(self, id):
        return self.store.delete_by_id(id)

    def clear_namespace(self, namespace):
        return self.cache.clear_namespace(namespace)

    def clear(self):
        return self.cache.clear()

    def vacuum(self):
        return self.cache.vacuum()

    def entry(self, query, namespace):
        found = self.store.get_by_hash(namespace, hash_query(normalize(query)))
        if found is None:
            return None
        return {
            "id": found.id,
            "query": found.query,
            "response": found.response,
            "bytes": found.embedding.hex(),
            "metadata": found.metadata,
            "ttl": found.ttl,
            "access_count": found.access_count,
        }

    def stats(self, namespace=None):
        stats = self.cache.stats(namespace=namespace)
        names = ("entries", "hits_exact", "hits_semantic", "misses", "evictions", "expirations")
        return {name: getattr(stats, name) for name in names}

    def namespaces(self):
        return self.cache.list_namespaces()

    def healthy(self):
        health = self.cache.health()
        return health.healthy and health.embedder_fingerprint_match

    def quota(self, namespace):
        return self.store.get_namespace_quota(namespace)

    # ---- what it has in memory

    def follows(self):
        return self.cache._coordinator is not None

    def refresh(self):
        return self.cache._coordinator.refresh()

    def rows_in_memory(self):
        return self.cache._index.size

    # ---- many calls in one order

    def write_and_read(self, threads, rounds, questions, vectors, namespace):
        """Puts, gets and deletes by several threads, each with a cache of its own. What fails by mneme's own fault, two
        first puts of one question at once, is counted; a wrong answer is an error."""
        failures, wrong = [0] * threads, []

        def run(thread):
            embedder = self.cache._embedder
            cache = SemanticCache(
                store=PostgresStore(sys.argv[1], schema=sys.argv[2]),
                embedder=embedder,
                multi_process_mode="stale-tolerant",
            )
            for i in range(rounds):
                number = (i * 7 + thread) % len(questions)
                question, vector = questions[number], floats(vectors[number])
                try:
                    cache.put(question, f"{question}|python {thread} {i}", embedding=vector, namespace=namespace)
                    hit = cache.get(question, embedding=vector, namespace=namespace)
                    if hit is not None and not hit.response.startswith(question + "|"):
                        wrong.append(f"{question} was answered by {hit.response}")
                    if i % 5 == 4:
                        cache.delete(question, namespace=namespace)
                except Exception as error:
                    if "duplicate key" not in str(error) and "deadlock" not in str(error):
                        wrong.append(repr(error))
                    failures[thread] += 1
            cache.close()

        all_threads = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
        for each in all_threads:
            each.start()
        for each in all_threads:
            each.join()
        if wrong:
            raise RuntimeError("; ".join(wrong[:5]))
        return sum(failures)


print("ready", flush=True)
process = Process()
for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = json.dumps(getattr(process, order.pop("do"))(**order))
    except Exception as error:
        text = str(error).replace("\n", " ")
        answer = f"error {type(error).__name__}: {text}"
    print(answer, flush=True)
