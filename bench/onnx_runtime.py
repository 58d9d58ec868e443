"""ONNX Runtime as bench/embedder_bench.cpp asks it: one JSON object a line, question and answer.

  onnx_runtime.py PACKAGES

PACKAGES: the folder of onnxruntime, numpy and tokenizers. Everything is measured in here, so that the pipe costs
ONNX Runtime nothing.
"""

import gc
import hashlib
import json
import os
import platform
import statistics
import sys
import time

sys.path.insert(0, sys.argv[1])

import numpy as np
import onnxruntime

sessions = {}
tokenizers = {}


def open_session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def inputs(texts):
    """Texts of equal length, so that nothing is padded."""
    ids = np.array(texts, dtype=np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def vectors(session, texts):
    means = session.run(None, inputs(texts))[0].mean(axis=1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def resident_bytes():
    with open("/proc/self/smaps_rollup") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))


def median_seconds(at_least, works):
    """Of one work; they take turns until that much time has passed."""
    times = []
    total = 0
    while total < at_least:
        work = works[len(times) % len(works)]
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        total += times[-1]
    return statistics.median(times)


def versions(_):
    python = platform.python_version()
    return {"text": f"ONNX Runtime {onnxruntime.__version__}, NumPy {np.__version__}, Python {python}"}


def load(question):
    model = question["model"]
    sessions[model] = open_session(model)
    with open(model, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"sha256": digest}


def embed(question):
    return {"vectors": vectors(sessions[question["model"]], question["texts"]).tolist()}


def time_runs(question):
    """Of session.run alone: its inputs are ready, and pooling is not counted."""
    session = sessions[question["model"]]
    feeds = [inputs(texts) for texts in question["batches"]]
    works = [lambda feed=feed: session.run(None, feed) for feed in feeds]
    return {"seconds": median_seconds(question["seconds"], works)}


def first_vector(question):
    """In a fresh process: from before the load to after the first vector."""
    before = resident_bytes()
    start = time.perf_counter()
    session = open_session(question["model"])
    vectors(session, [question["text"]])
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "bytes": resident_bytes() - before}


def tokenizer(question):
    path = question["tokenizer"]
    if path not in tokenizers:
        # not with the others: its memory is no part of what a first vector needs
        from tokenizers import Tokenizer

        tokenizers[path] = Tokenizer.from_file(path)
        tokenizers[path].no_padding()
        tokenizers[path].no_truncation()
    return tokenizers[path]


def tokenize(question):
    own = tokenizer(question)
    return {"ids": [own.encode(text).ids for text in question["texts"]]}


def time_tokenizer(question):
    own = tokenizer(question)
    works = [lambda text=text: own.encode(text) for text in question["texts"]]
    return {"seconds": median_seconds(question["seconds"], works)}


ANSWERS = {
    "versions": versions,
    "load": load,
    "embed": embed,
    "time runs": time_runs,
    "first vector": first_vector,
    "tokenize": tokenize,
    "time tokenizer": time_tokenizer,
}


def main():
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    gc.disable()
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = ANSWERS[question["do"]](question)
        except Exception as error:
            answer = {"error": f"{question['do']}: {error}"}
        print(json.dumps(answer), flush=True)


main()
