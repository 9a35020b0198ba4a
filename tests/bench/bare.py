"""The floor, without hfci: import torch and transformers, build one tiny model, run it once."""

import sys

import torch
import transformers

config_class, model_class, *sizes = sys.argv[1:]
config = getattr(transformers, config_class)(**{name: int(value) for name, value in (s.split("=") for s in sizes)})
model = getattr(transformers, model_class)(config).eval()
with torch.no_grad():
    model(input_ids=torch.arange(10)[None])
