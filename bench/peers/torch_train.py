#!/usr/bin/python3
"""The peer of `hashgnn bench train`: the same training step in PyTorch on the CPU, driven line by line.

Every line on standard input is one JSON object with a "command"; every line on standard output answers one.

  {"command": "load", "train": "train.npy", "batch": 256, "negatives": 5}   int32 [E, 2]: (user, item)
  {"command": "run", "way": "port", "steps": 5}    {"milliseconds": [...]}, one number a step, everything included
  {"command": "run", "way": "best", "steps": 20}
  {"command": "encode", "times": 3}                {"milliseconds": [...]}: all nodes over whole neighbourhoods, and codes

Two ways to write the step, the same model (widths 120, 128, 68, 32; a node and 10, then 5 sampled neighbours in one mean;
guidance with p = 1/2; cross-entropy and ranking loss; Adam):
  port  what the paper says, line by line: each occurrence of a node in the batch samples its own neighbours and theirs, and
        Adam goes through the whole table of features.
  best  what can be made of it: each node once a layer, means by embedding_bag, Adam for the rows that the step used only.

Needs Debian's python3-torch, python3-numpy and libopenblas0-pthread: with the plain BLAS that PyTorch else falls back to, it
takes four times as long.
"""
import json
import os
import platform
import signal
import sys
import time
import warnings

# Threads that spin while they wait would cost the other side, which runs in turn on the same cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
warnings.filterwarnings("ignore")
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
INPUT, FIRST, SECOND, BITS = 120, 128, 68, 32
FANOUTS = (10, 5)
RATE, MARGIN, RANKING = 0.001, 0.2, 0.5


class Graph:
    """The training edges, by user and item and as neighbours of all nodes, users first."""

    def __init__(self, edges):
        self.edges = edges.astype(np.int64)
        users, items = self.edges.T
        self.users, self.items = int(users.max()) + 1, int(items.max()) + 1
        self.nodes = self.users + self.items
        heads = np.concatenate([users, items + self.users])
        tails = np.concatenate([items + self.users, users])
        self.tails = tails[np.argsort(heads, kind="stable")]
        self.degrees = np.bincount(heads, minlength=self.nodes)
        self.begins = np.concatenate([[0], np.cumsum(self.degrees)])
        self.keys = np.sort(users * self.items + items)
        self.random = np.random.default_rng(0)
        self.order = self.random.permutation(len(self.edges))

    def batch(self, step, size):
        """Positive pairs, each edge once an epoch."""
        places = (np.arange(size) + step * size) % len(self.order)
        return self.edges[self.order[places]]

    def negatives(self, users, count):
        """Items without an edge to each user, [batch, count]."""
        owners = np.repeat(users, count)
        drawn = self.random.integers(self.items, size=len(owners))
        open_ = np.arange(len(owners))
        while len(open_):
            keys = owners[open_] * self.items + drawn[open_]
            places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            open_ = open_[self.keys[places] == keys]
            drawn[open_] = self.random.integers(self.items, size=len(open_))
        return drawn.reshape(len(users), count)

    def sampled(self, nodes, fanout):
        """Neighbours of nodes, with replacement, [*nodes, fanout]; a node without any stands for itself."""
        degrees = self.degrees[nodes][..., None]
        drawn = (self.random.random((*nodes.shape, fanout)) * degrees).astype(np.int64)
        places = np.minimum(self.begins[nodes][..., None] + drawn, len(self.tails) - 1)
        return np.where(degrees > 0, self.tails[places], nodes[..., None])


def guided(embedding):
    """Codes with probability 1/2, whose gradient passes to the embedding, else the embedding itself."""
    code = embedding + (torch.where(embedding < 0, -1.0, 1.0) - embedding).detach()
    return torch.where(torch.rand_like(embedding) < 0.5, embedding, code)


def objective(users, items, others):
    positive = (users * items).sum(1)
    negative = torch.bmm(others, users.unsqueeze(2)).squeeze(2)
    logits = torch.cat([positive, negative.reshape(-1)])
    labels = torch.zeros_like(logits)
    labels[: len(positive)] = 1.0
    gap = torch.sigmoid(negative) - torch.sigmoid(positive).unsqueeze(1)
    return F.binary_cross_entropy_with_logits(logits, labels) + RANKING * F.relu(gap + MARGIN).mean()


class Model(nn.Module):
    def __init__(self, nodes, sparse):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Embedding(nodes, INPUT, sparse=sparse)
        self.first, self.second = nn.Linear(INPUT, FIRST), nn.Linear(FIRST, SECOND)
        self.hash = nn.Linear(SECOND, BITS)
        nn.init.normal_(self.features.weight, std=0.02)

    def finish(self, second):
        return torch.tanh(self.hash(F.leaky_relu(second, 0.2)))


class Port:
    def __init__(self, graph, batch, negatives):
        self.graph, self.batch, self.negatives, self.steps = graph, batch, negatives, 0
        self.model = Model(graph.nodes, sparse=False)
        self.optimizer = torch.optim.Adam(self.model.parameters(), RATE)

    def step(self):
        graph, model = self.graph, self.model
        pairs = graph.batch(self.steps, self.batch)
        self.steps += 1
        users, items = pairs.T
        others = graph.negatives(users, self.negatives)
        roots = np.concatenate([users, items + graph.users, others.reshape(-1) + graph.users])
        near = graph.sampled(roots, FANOUTS[0])
        far = graph.sampled(near, FANOUTS[1])
        root, near, far = (model.features(torch.from_numpy(nodes)) for nodes in (roots, near, far))
        own = F.leaky_relu(model.first(torch.cat([root.unsqueeze(1), near], 1).mean(1)), 0.2)
        around = F.leaky_relu(model.first(torch.cat([near.unsqueeze(2), far], 2).mean(2)), 0.2)
        embeddings = model.finish(model.second(torch.cat([own.unsqueeze(1), around], 1).mean(1)))
        size = self.batch
        loss = objective(
            guided(embeddings[:size]),
            guided(embeddings[size : 2 * size]),
            guided(embeddings[2 * size :]).view(size, self.negatives, BITS),
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


class Best:
    def __init__(self, graph, batch, negatives):
        self.graph, self.batch, self.negatives, self.steps = graph, batch, negatives, 0
        self.model = Model(graph.nodes, sparse=True)
        dense = [weight for name, weight in self.model.named_parameters() if not name.startswith("features")]
        self.optimizers = [torch.optim.SparseAdam([self.model.features.weight], RATE), torch.optim.Adam(dense, RATE)]

    def distinct(self, nodes):
        """The distinct nodes of an array in ascending order, and the array as places among them."""
        marks = np.zeros(self.graph.nodes, bool)
        marks[nodes.reshape(-1)] = True
        found = np.flatnonzero(marks)
        places = np.empty(self.graph.nodes, np.int64)
        places[found] = np.arange(len(found))
        return found, places[nodes]

    def step(self):
        graph, model = self.graph, self.model
        pairs = graph.batch(self.steps, self.batch)
        self.steps += 1
        users, items = pairs.T
        others = graph.negatives(users, self.negatives)
        batch = np.concatenate([users[:, None], items[:, None] + graph.users, others + graph.users], 1)
        roots, batch = self.distinct(batch)
        near, bags = self.distinct(np.concatenate([roots[:, None], graph.sampled(roots, FANOUTS[0])], 1))
        far, inner = self.distinct(np.concatenate([near[:, None], graph.sampled(near, FANOUTS[1])], 1))
        rows = model.features(torch.from_numpy(far))
        around = F.leaky_relu(model.first(F.embedding_bag(torch.from_numpy(inner), rows, mode="mean")), 0.2)
        second = model.second(F.embedding_bag(torch.from_numpy(bags), around, mode="mean"))
        embeddings = guided(model.finish(second))[torch.from_numpy(batch)]
        loss = objective(embeddings[:, 0], embeddings[:, 1], embeddings[:, 2:])
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()


WAYS = {"port": Port, "best": Best}


class Encoding:
    """All nodes over whole neighbourhoods: the linear map first, which is narrower, then the mean."""

    def __init__(self, graph):
        self.model = Model(graph.nodes, sparse=False)
        begins, tails = torch.from_numpy(graph.begins), torch.from_numpy(graph.tails)
        self.adjacency = torch.sparse_csr_tensor(begins, tails, torch.ones(len(tails)), (graph.nodes, graph.nodes))
        self.share = torch.from_numpy(1 / (graph.degrees + 1)).float().unsqueeze(1)

    def run(self):
        with torch.no_grad():
            features = self.model.features.weight
            for layer in (self.model.first, self.model.second):
                mapped = features @ layer.weight.T
                features = F.leaky_relu((self.adjacency @ mapped + mapped) * self.share + layer.bias, 0.2)
            embeddings = torch.tanh(self.model.hash(features)).numpy()
            return np.packbits(embeddings >= 0, axis=1, bitorder="little")


def blas():
    """The library that multiplies matrices, as far as it is known to be a fast one."""
    try:
        with open("/proc/self/maps") as maps:
            mapped = maps.read()
    except OSError:
        return "unknown"
    return next((name for name in ("openblas", "mkl", "blis", "atlas") if name in mapped.lower()), "reference")


def timed(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main():
    # Ctrl-C reaches the whole group of a terminal; whoever drives this process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(THREADS)
    graph, given, runs = None, {}, {}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            command = request["command"]
            answer = {}
            if command == "about":
                answer = {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()}
                answer |= {"threads": THREADS, "blas": blas()}
            elif command == "load":
                runs = {}
                graph = Graph(np.load(request["train"]))
                given = {"batch": request["batch"], "negatives": request["negatives"]}
                answer = {"nodes": graph.nodes, "edges": len(graph.edges)}
            elif command == "run":
                way = request["way"]
                if way not in runs:
                    runs[way] = WAYS[way](graph, **given)
                answer = {"milliseconds": [timed(runs[way].step) for _ in range(request["steps"])]}
            elif command == "encode":
                if "encode" not in runs:
                    runs["encode"] = Encoding(graph)
                answer = {"milliseconds": [timed(runs["encode"].run) for _ in range(request["times"])]}
            else:
                raise ValueError(f"there is no command {command}")
        except Exception as error:  # Whatever it is, the driver is to say it.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
