"""A maker of chips whose compiler knows no convolution: what a package that offers a backend to hfci looks like."""

import torch

from hfci.backends import at_stage

UNKNOWN = {torch.ops.aten.conv2d.default, torch.ops.aten.convolution.default}


def compile_model(model, inputs):
    with at_stage("export"):
        program = torch.export.export(model, (), dict(inputs), strict=False)
    for node in program.graph.nodes:
        if node.target in UNKNOWN:
            raise NotImplementedError(f"no kernel for {node.target} of {node.name}")
    return program.module()
