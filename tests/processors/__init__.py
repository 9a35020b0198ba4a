"""Which processor classes of transformers' tables can be built: what was found in two environments, and its page."""
