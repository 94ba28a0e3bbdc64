#!/usr/bin/python3
"""The peer of `hashgnn bench search`: exact search in FAISS, on all cores, driven line by line so that both run in turn.

Every line on standard input is one JSON object with a "command"; every line on standard output answers one.

  {"command": "load", "search": "hamming", "database": "d.npy", "queries": "q.npy", "k": 100}
      codes, uint8 [N, bits / 8]: IndexBinaryFlat
  {"command": "load", "search": "continuous", "database": "d.npy", "queries": "q.npy", "k": 100}
      embeddings, float32 [N, width]: IndexFlatIP
  {"command": "load", "search": "hierarchical", "database": ..., "queries": ..., "database_embeddings": ...,
   "query_embeddings": ..., "candidates": 500, "k": 100}
      IndexBinaryFlat finds the candidates, NumPy ranks them by inner product
  {"command": "warm"}   {"seconds": ..., "way": ...}: tries every way to do it at the real size and keeps the fastest
  {"command": "run"}    {"seconds": ...}: from queries in memory to results in memory, the database resident
  {"command": "save", "ids": "i.npy", "values": "v.npy"}   the results of the last run, int32 and int32 or float32 [Q, k];
      of a hierarchical search also "cuts": int32 [Q], the distance of each query's last candidate

By itself, line by line:
  printf '%s\\n' '{"command": "load", ...}' '{"command": "warm"}' '{"command": "run"}' | faiss_search.py

Needs Debian's python3-faiss and python3-numpy.
"""
import json
import os
import platform
import signal
import statistics
import sys
import time

import faiss
import numpy as np

# Each way is tried at the real size this often at least, for this many seconds at least, and no more once the last number
# of seconds is spent on it.
TRIES, LEAST, ENOUGH = 3, 0.1, 5.0
# Queries whose candidates are gathered at a time: their embeddings stay in the cache.
CHUNK = 32
# All cores that this process may use.
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Flat:
    """IndexBinaryFlat; FAISS has two ways to keep the best k, a heap and counting by distance."""

    name = "faiss.IndexBinaryFlat"

    def __init__(self, codes, queries, k):
        self.index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
        self.index.add(codes)
        self.queries, self.k = queries, k
        # FAISS shares out queries: with fewer than threads, the others only get in the way.
        threads = sorted({THREADS, min(THREADS, len(queries))}, reverse=True)
        self.ways = [{"threads": count, "use_heap": heap} for count in threads for heap in (True, False)]

    def choose(self, way):
        faiss.omp_set_num_threads(way["threads"])
        self.index.use_heap = way["use_heap"]

    def search(self):
        distances, ids = self.index.search(self.queries, self.k)
        return {"ids": ids, "values": distances}


class Products:
    """IndexFlatIP."""

    name = "faiss.IndexFlatIP"
    ways = [{"threads": THREADS}]

    def __init__(self, embeddings, queries, k):
        self.index = faiss.IndexFlatIP(embeddings.shape[1])
        self.index.add(embeddings)
        self.queries, self.k = queries, k

    def choose(self, way):
        faiss.omp_set_num_threads(way["threads"])

    def search(self):
        products, ids = self.index.search(self.queries, self.k)
        return {"ids": ids, "values": products}


class Hierarchical:
    """The best candidates by code from IndexBinaryFlat, ranked by inner product with NumPy."""

    name = "faiss.IndexBinaryFlat + numpy"

    def __init__(self, codes, queries, embeddings, query_embeddings, candidates, k):
        self.flat = Flat(codes, queries, candidates)
        self.embeddings, self.queries, self.k = embeddings, query_embeddings, min(k, candidates)
        self.ways = [{**way, "products": how} for way in self.flat.ways for how in ("matmul", "einsum")]

    def choose(self, way):
        self.flat.choose(way)
        self.how = way["products"]

    def search(self):
        found = self.flat.search()
        candidates = found["ids"]
        rows = len(candidates)
        ids = np.empty((rows, self.k), np.int64)
        products = np.empty((rows, self.k), np.float32)
        for first in range(0, rows, CHUNK):
            some = candidates[first : first + CHUNK]
            query = self.queries[first : first + CHUNK]
            vectors = self.embeddings.take(some, axis=0)
            if self.how == "matmul":
                scores = np.matmul(vectors, query[:, :, None])[:, :, 0]
            else:
                scores = np.einsum("qmw,qw->qm", vectors, query)
            if self.k < scores.shape[1]:
                best = np.argpartition(scores, -self.k, axis=1)[:, -self.k :]
                scores = np.take_along_axis(scores, best, axis=1)
                some = np.take_along_axis(some, best, axis=1)
            order = np.lexsort((some, -scores), axis=1)
            ids[first : first + CHUNK] = np.take_along_axis(some, order, axis=1)
            products[first : first + CHUNK] = np.take_along_axis(scores, order, axis=1)
        return {"ids": ids, "values": products, "cuts": found["values"][:, -1]}


def timed(peer):
    start = time.perf_counter()
    result = peer.search()
    return time.perf_counter() - start, result


def load(request):
    read = lambda name: np.ascontiguousarray(np.load(request[name]))
    database, queries, k = read("database"), read("queries"), request["k"]
    if request["search"] == "hamming":
        return Flat(database, queries, k)
    if request["search"] == "continuous":
        return Products(database, queries, k)
    embeddings = read("database_embeddings"), read("query_embeddings")
    return Hierarchical(database, queries, *embeddings, request["candidates"], k)


def warm(peer):
    """Chooses the fastest way, by the median of a few searches at the real size."""
    best = None
    for way in peer.ways:
        peer.choose(way)
        times = []
        while not times or (sum(times) < ENOUGH and (len(times) < TRIES or sum(times) < LEAST)):
            times.append(timed(peer)[0])
        seconds = statistics.median(times)
        if best is None or seconds < best[0]:
            best = (seconds, way)
    peer.choose(best[1])
    return {"seconds": best[0], "way": best[1]}


def main():
    # Ctrl-C reaches the whole group of a terminal; whoever drives this process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    peer = result = None
    for line in sys.stdin:
        try:
            request = json.loads(line)
            command = request["command"]
            answer = {}
            if command == "about":
                answer = {"faiss": faiss.__version__, "numpy": np.__version__, "python": platform.python_version()}
                answer["threads"] = THREADS
            elif command == "load":
                peer = result = None  # Free the arrays of the row before, first.
                peer = load(request)
                answer = {"name": peer.name}
            elif command == "warm":
                answer = warm(peer)
            elif command == "run":
                result = None
                seconds, result = timed(peer)
                answer = {"seconds": seconds}
            elif command == "save":
                for name in result:
                    values = result[name]
                    floats = values.dtype == np.float32
                    np.save(request[name], values if floats else values.astype(np.int32))
            else:
                raise ValueError(f"there is no command {command}")
        except Exception as error:  # Whatever it is, the driver is to say it.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
