"""What each node of a graph reaches, for all nodes at once.

Most modules of transformers' core need each other in a circle, and every model needs that circle: gone through once for
all and not once for each model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Closures"]


class Closures:
    """What the nodes of `needs` reach, themselves too. `told` gives what a node is called; several may be called alike.

    A closure is a set of names, as a number with a bit for each: `of` gives it, `names` says what it is.
    """

    def __init__(self, needs: Mapping[str, Iterable[str]], label_of: Callable[[str], str]) -> None:
        """Find the circles, then what each reaches; every node that is needed is one of `needs` itself."""
        self.known = sorted({label_of(name) for name in needs})
        bits = {name: 1 << index for index, name in enumerate(self.known)}
        self._reached: dict[str, int] = {}
        for circle in _circles(needs):
            reached = 0
            for name in circle:
                reached |= bits[label_of(name)]
                for needed in needs[name]:
                    reached |= self._reached.get(needed, 0)
            for name in circle:
                self._reached[name] = reached

    def of(self, roots: Iterable[str]) -> int:
        """Return what all of `roots` reach together."""
        reached = 0
        for root in roots:
            reached |= self._reached[root]
        return reached

    def names(self, closure: int) -> tuple[str, ...]:
        """Return the names in a closure, in order."""
        return tuple(self.known[index] for index in _bits(closure))


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _circles(needs: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components, those that are needed before those that need them (Tarjan 1972)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    open_: set[str] = set()
    for start in needs:
        if start in numbers:
            continue
        calls: list[tuple[str, Iterator[str]]] = []
        _enter(start, needs, numbers, lowest, path, open_, calls)
        while calls:
            name, rest = calls[-1]
            for needed in rest:
                if needed not in numbers:
                    _enter(needed, needs, numbers, lowest, path, open_, calls)
                    break
                if needed in open_:
                    lowest[name] = min(lowest[name], numbers[needed])
            else:
                calls.pop()
                if calls:
                    above = calls[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == numbers[name]:
                    start_at = path.index(name)
                    circle = path[start_at:]
                    del path[start_at:]
                    open_.difference_update(circle)
                    yield circle


def _enter(
    name: str,
    needs: Mapping[str, Iterable[str]],
    numbers: dict[str, int],
    lowest: dict[str, int],
    path: list[str],
    open_: set[str],
    calls: list[tuple[str, Iterator[str]]],
) -> None:
    numbers[name] = lowest[name] = len(numbers)
    path.append(name)
    open_.add(name)
    calls.append((name, iter(needs[name])))
