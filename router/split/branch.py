"""Close the gap between a plan and its bound: best-first branch and bound over what each listing takes.

A branch cuts one listing's range in two: nothing there or at least something, or a lot fewer or more. Each half has its
own relaxation. The box with the least bound is cut next, until a plan is within the tolerance of it or so many boxes
were looked at. Nodes are counted, never time: the same problem gives the same tree.
"""

import heapq
from dataclasses import dataclass
from math import inf

from router.split.hull import Box, Relaxation, Solved
from router.split.search import Search, Units


@dataclass(slots=True)
class Node:
    """A box and, once it was cut, its halves: `rank` takes at most `at` units `below`, more `above`."""

    box: Box
    solved: Solved
    rank: int = -1
    at: int = 0
    below: "Node | None" = None
    above: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Tree:
    """What came of it: the best units found, the root of the tree, and how many boxes were relaxed."""

    units: Units
    root: Node
    nodes: int
    exhausted: bool
    """Was the search ended by the limit on nodes?"""


def explored(search: Search, units: Units, *, tolerance: float, nodes_max: int) -> Tree:
    """Branch from nothing decided, with `units` as the plan to beat. `tolerance` in what the search counts cost in."""
    return _Exploration(search, units, tolerance, nodes_max).run()


class _Exploration:
    def __init__(self, search: Search, units: Units, tolerance: float, nodes_max: int) -> None:
        self._search = search
        self._relaxation, solved = search.hull()
        self._root = Node(self._relaxation.root(), solved)
        self._best, self._cost = units, search.total(units)
        self._tolerance = max(tolerance, search.noise)
        self._nodes_max = nodes_max
        self._nodes = 0
        self._seen: set[tuple[int, ...]] = set()

    def run(self) -> Tree:
        self._try(self._root.solved)
        open_nodes = [(self._root.solved.bound, 0, self._root)]
        exhausted = False
        while open_nodes:
            bound, _, node = open_nodes[0]
            if self._cost - bound <= self._tolerance:
                break
            if self._nodes >= self._nodes_max:
                exhausted = True
                break
            heapq.heappop(open_nodes)
            branch = _branch(self._relaxation, node)
            if branch is None:
                continue  # nothing left to decide: this box's bound stands
            node.rank, node.at = branch
            boxes = node.box.cut(node.rank, node.at, self._search.curves[node.rank])
            halves = [Node(box, self._solved(box, node)) for box in boxes]
            node.below, node.above = halves
            for half in halves:
                self._nodes += 1
                if half.solved.bound < inf:
                    self._try(half.solved)
                    heapq.heappush(open_nodes, (half.solved.bound, self._nodes, half))
        return Tree(units=self._best, root=self._root, nodes=self._nodes, exhausted=exhausted)

    def _solved(self, box: Box, parent: Node) -> Solved:
        return self._relaxation.solve(box, parent.solved.order_price)

    def _try(self, solved: Solved) -> None:
        """Make plans of a relaxation's answer: near its quantities, and with the listings it uses."""
        if solved.bound >= self._cost - self._search.noise or solved.units in self._seen:
            return
        self._seen.add(solved.units)
        used = frozenset(rank for rank, taken in enumerate(solved.units) if taken)
        for units in (self._search.repaired(solved.units), self._search.filled(used), self._search.filled(solved.full)):
            if units is not None:
                cost = self._search.total(units)
                if cost < self._cost - self._search.noise:
                    self._best, self._cost = units, cost


def _branch(relaxation: Relaxation, node: Node) -> tuple[int, int] | None:
    """Which listing to cut, and where; None when everything is decided."""
    box, solved, curves = node.box, node.solved, relaxation.curves
    inside = [rank for rank in solved.part if not box.low[rank]]
    if inside:
        return max(inside, key=lambda rank: (_inside(relaxation, node, rank), -rank)), 0
    split_lots = [rank for rank, taken in enumerate(solved.units) if taken % curves[rank].step]
    if split_lots:
        rank = max(split_lots, key=lambda each: (curves[each].step, -each))
        return rank, solved.units[rank] // curves[rank].step * curves[rank].step
    undecided = [
        rank
        for rank, low in enumerate(box.low)
        if not low and box.high[rank] >= curves[rank].minimum and (solved.units[rank] or solved.reduced[rank] <= 0.0)
    ]
    if undecided:
        return min(undecided, key=lambda rank: (abs(solved.reduced[rank]), rank)), 0
    return _between(relaxation, node)


def _inside(relaxation: Relaxation, node: Node, rank: int) -> float:
    """How much of its first segment is missing, in money: what deciding it may move."""
    curve = relaxation.curves[rank]
    missing = max(0, curve.minimum - node.solved.units[rank])
    return missing * abs(node.solved.marginal) + curve.fixed + node.solved.order_price


def _between(relaxation: Relaxation, node: Node) -> tuple[int, int] | None:
    """A cut inside the range of a listing whose quantity groups or several orders leave open."""
    box, solved = node.box, node.solved
    for rank, curve in enumerate(relaxation.curves):
        if not box.low[rank] or box.high[rank] <= box.low[rank]:
            continue
        shared = any(rank in group.weights for group in relaxation.groups)
        if curve.order_max is not None and curve.orders(box.low[rank]) < curve.orders(box.high[rank]):
            orders = curve.orders(min(max(solved.units[rank], box.low[rank]), box.high[rank]))
            return rank, min(orders, curve.orders(box.high[rank]) - 1) * curve.order_max
        if shared:
            taken = min(max(solved.units[rank], box.low[rank]), box.high[rank] - curve.step)
            return rank, taken // curve.step * curve.step
    return None
