"""Push, fan-out 1, synchronous rounds, until everyone knows: as one would write it with numba and
with networkx. One JSON object a line. Compiled before it is timed; medians of processor time."""

import argparse
import json
import random
import statistics
import time

import networkx as nx
import numba
import numpy as np


@numba.njit
def push_complete(n, seed):
    """Those who know, in the order in which they heard; a target is anyone else."""
    np.random.seed(seed)
    knows = np.zeros(n, np.bool_)
    told = np.empty(n, np.int32)
    told[0] = 0
    knows[0] = True
    count, contacts = 1, 0
    while count < n:
        callers = count
        for i in range(callers):
            target = np.random.randint(0, n - 1)
            if target >= told[i]:
                target += 1
            if not knows[target]:
                knows[target] = True
                told[count] = target
                count += 1
        contacts += callers
    return contacts


@numba.njit
def many_complete(n, runs, seed):
    contacts = 0
    for run in range(runs):
        contacts += push_complete(n, seed + run)
    return contacts


@numba.njit
def push_graph(starts, neighbours, seed):
    np.random.seed(seed)
    n = len(starts) - 1
    knows = np.zeros(n, np.bool_)
    told = np.empty(n, np.int32)
    told[0] = 0
    knows[0] = True
    count, contacts = 1, 0
    while count < n:
        callers = count
        for i in range(callers):
            first, last = starts[told[i]], starts[told[i] + 1]
            target = neighbours[np.random.randint(first, last)]
            if not knows[target]:
                knows[target] = True
                told[count] = target
                count += 1
        contacts += callers
    return contacts


@numba.njit
def regular(n, degree, seed):
    """The configuration model, pairs that are loops or double kept: as good for timing."""
    np.random.seed(seed)
    stubs = np.repeat(np.arange(n, dtype=np.int32), degree)
    np.random.shuffle(stubs)
    starts = np.arange(0, n * degree + 1, degree)
    places = starts[:-1].copy()
    neighbours = np.empty(n * degree, np.int32)
    for i in range(0, n * degree, 2):
        a, b = stubs[i], stubs[i + 1]
        neighbours[places[a]] = b
        neighbours[places[b]] = a
        places[a] += 1
        places[b] += 1
    return starts, neighbours


def push_networkx(graph, rng):
    """Neighbours as lists, made once and not timed: what a careful user of networkx does."""
    rows = graph.rows
    knows, told, contacts = {0}, [0], 0
    while len(told) < len(rows):
        callers = len(told)
        for node in told[:callers]:
            row = rows[node]
            target = row[int(rng.random() * len(row))]
            if target not in knows:
                knows.add(target)
                told.append(target)
        contacts += callers
    return contacts


def measure(times, work):
    figures = []
    for turn in range(times):
        begin = time.thread_time_ns()
        contacts = work(turn)
        figures.append((time.thread_time_ns() - begin) / contacts)
    return statistics.median(figures)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="nothing of 1e7 nodes and more")
    parser.add_argument("--huge", action="store_true", help="1e9 nodes: some ten minutes")
    options = parser.parse_args()

    def tell(peer, graph, nodes, times, work, note=""):
        figure = measure(min(times, options.times), work)
        row = dict(peer=peer, graph=graph, nodes=nodes, ns_per_contact=figure, note=note)
        print(json.dumps(row), flush=True)

    many_complete(4, 2, 0)
    starts, neighbours = regular(10, 2, 0)
    push_complete(4, 0)
    tell("numba", "complete", 64, 9, lambda turn: many_complete(64, 10_000, turn), "10,000 runs")
    tell("numba", "complete", 10**6, 9, lambda turn: push_complete(10**6, turn))
    if not options.small:
        tell("numba", "complete", 10**8, 1, lambda turn: push_complete(10**8, turn), "once")
    if options.huge:
        tell("numba", "complete", 10**9, 1, lambda turn: push_complete(10**9, turn), "once")
    for nodes, times in [(10**3, 9), (10**5, 9), (10**6, 9)] + [(10**7, 3)] * (not options.small):
        starts, neighbours = regular(nodes, 8, 1)
        if nodes == 10**3:
            push_graph(starts, neighbours, 0)
        tell("numba", "regular", nodes, times, lambda turn: push_graph(starts, neighbours, turn))

    rng = random.Random(1)
    for nodes, times in [(10**3, 5), (10**5, 3)]:
        graph = nx.random_regular_graph(8, nodes, seed=1)
        graph.rows = [list(graph[node]) for node in range(nodes)]
        tell("networkx", "regular", nodes, times, lambda turn: push_networkx(graph, rng))
    graph = nx.complete_graph(1000)
    graph.rows = [list(graph[node]) for node in range(1000)]
    note = "10^6 nodes would be 5*10^11 edges"
    tell("networkx", "complete", 1000, 5, lambda turn: push_networkx(graph, rng), note)


main()
