"""The bench's questions, answered as one would with numba or networkx: push with fan-out 1 in
synchronous rounds until everyone knows, or push-pull averaging. Says when it is ready; then for each
line of input one measurement, as a JSON object on a line. What is compiled is compiled before."""

import argparse
import json
import random
import sys
import time

import networkx as nx
import numba
import numpy as np

# Above this many nodes a run is too long: these many contacts and the rest of their round will do.
HUGE, ENOUGH = 10**8, 10**8


@numba.njit(cache=True)
def push_complete(n, runs, enough, seed):
    """Those who know, in the order in which they heard; a target is anyone else."""
    np.random.seed(seed)
    contacts = 0
    for run in range(runs):
        knows = np.zeros(n, np.bool_)
        told = np.empty(n, np.int32)
        told[0] = 0
        knows[0] = True
        count = 1
        while count < n and contacts < enough:
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


@numba.njit(cache=True)
def push_graph(starts, neighbours, runs, seed):
    np.random.seed(seed)
    n = len(starts) - 1
    contacts = 0
    for run in range(runs):
        knows = np.zeros(n, np.bool_)
        told = np.empty(n, np.int32)
        told[0] = 0
        knows[0] = True
        count = 1
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


@numba.njit(cache=True)
def average_complete(n, rounds, seed):
    """Each node once a round, in an order shuffled for each round, with anyone else."""
    np.random.seed(seed)
    values = np.random.random(n)
    order = np.arange(n)
    for _ in range(rounds):
        np.random.shuffle(order)
        for i in order:
            j = np.random.randint(0, n - 1)
            if j >= i:
                j += 1
            mean = 0.5 * (values[i] + values[j])
            values[i] = mean
            values[j] = mean
    return n * rounds


@numba.njit(cache=True)
def average_graph(starts, neighbours, rounds, seed):
    np.random.seed(seed)
    n = len(starts) - 1
    values = np.random.random(n)
    order = np.arange(n)
    for _ in range(rounds):
        np.random.shuffle(order)
        for i in order:
            j = neighbours[np.random.randint(starts[i], starts[i + 1])]
            mean = 0.5 * (values[i] + values[j])
            values[i] = mean
            values[j] = mean
    return n * rounds


@numba.njit(cache=True)
def regular(n, degree, seed):
    """The configuration model; its few loops and double edges do not change how long it takes."""
    np.random.seed(seed)
    stubs = np.repeat(np.arange(n).astype(np.int32), degree)
    np.random.shuffle(stubs)
    starts = np.arange(0, n * degree + 1, degree)
    places = starts[:-1].copy()
    neighbours = np.empty(n * degree, np.int32)
    for i in range(0, n * degree, 2):
        a, b = stubs[i], stubs[i + 1]
        neighbours[places[a]] = b
        places[a] += 1
        neighbours[places[b]] = a
        places[b] += 1
    return starts, neighbours


@numba.njit(cache=True)
def k_out(n, degree, seed):
    """Each node knows so many others, at random; repeats are as good for timing."""
    np.random.seed(seed)
    starts = np.arange(0, n * degree + 1, degree)
    neighbours = np.random.randint(0, n, n * degree).astype(np.int32)
    return starts, neighbours


def push_networkx(rows, runs, rng):
    contacts = 0
    for _ in range(runs):
        knows, told = {0}, [0]
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


def numba_work(ask):
    """What is to be measured, compiled: the first call does that."""
    enough = ENOUGH if ask.nodes > HUGE else 2**62
    if ask.graph == "complete":
        if ask.rounds:
            average_complete(4, 1, 0)
            return lambda turn: average_complete(ask.nodes, ask.rounds, turn)
        push_complete(4, 1, 2**62, 0)
        return lambda turn: push_complete(ask.nodes, ask.runs, enough, turn)
    make = {"random-regular": regular, "k-out": k_out}[ask.graph]
    few, rows = make(64, ask.degree, 1), make(ask.nodes, ask.degree, 1)
    if ask.rounds:
        average_graph(*few, 1, 0)
        return lambda turn: average_graph(*rows, ask.rounds, turn)
    push_graph(*few, 1, 0)
    return lambda turn: push_graph(*rows, ask.runs, turn)


def networkx_work(ask):
    """Neighbours as lists, made once and not timed: what a careful user of networkx does."""
    if ask.graph == "complete":
        graph = nx.complete_graph(ask.nodes)
    else:
        graph = nx.random_regular_graph(ask.degree, ask.nodes, seed=1)
    rows = [list(graph[node]) for node in range(ask.nodes)]
    rng = random.Random(1)
    return lambda turn: push_networkx(rows, ask.runs, rng)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--by", choices=["numba", "networkx"], required=True)
    parser.add_argument("--graph", choices=["complete", "random-regular", "k-out"], required=True)
    for number in ["nodes", "degree", "runs", "rounds"]:
        parser.add_argument(f"--{number}", type=int, required=True)
    ask = parser.parse_args()
    work = (numba_work if ask.by == "numba" else networkx_work)(ask)
    print("ready", flush=True)
    for turn, _ in enumerate(sys.stdin):
        begin, begin_wall = time.thread_time_ns(), time.perf_counter_ns()
        contacts = work(turn)
        row = dict(
            contacts=contacts,
            worked=time.thread_time_ns() - begin,
            wall=time.perf_counter_ns() - begin_wall,
            bytes=None,
            said=None,
        )
        print(json.dumps(row), flush=True)


main()
