"""How an architecture is made tiny: its configuration shrunk, its weights filled, its inputs made, all offline."""

from hfci.tiny.model import TinyModel, build_tiny, tiny_config
from hfci.tiny.recipes import BUDGET, Recipe, recipe_for

__all__ = ["BUDGET", "Recipe", "TinyModel", "build_tiny", "recipe_for", "tiny_config"]
