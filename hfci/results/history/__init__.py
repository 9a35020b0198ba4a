"""The history: what many runs recorded, in one file, and what they say together."""

from hfci.results.history.history import Added, Failing, History, News, NoBaseline, Pruned
from hfci.results.history.runs import Point
from hfci.results.history.trends import Flake, Streak, Trends

__all__ = ["Added", "Failing", "Flake", "History", "News", "NoBaseline", "Point", "Pruned", "Streak", "Trends"]
