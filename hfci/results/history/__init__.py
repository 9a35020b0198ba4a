"""The history: what many runs recorded, in one file, and what they say together."""

from hfci.results.history.flakes import Flake
from hfci.results.history.history import Added, Failing, History, News, NoBaseline, Pruned
from hfci.results.history.runs import Point
from hfci.results.history.trends import Streak, Trends

__all__ = ["Added", "Failing", "Flake", "History", "News", "NoBaseline", "Point", "Pruned", "Streak", "Trends"]
