"""Inputs of the model's real modality, as its forward signature and its configuration ask for them.

Every row of a batch is made alone, from a generator keyed on the row and the parameter's name, and the rows are then
put together: so row 1 is the same whatever stands beside it.
"""

from hfci.tiny.inputs.assemble import inputs_around, make_inputs

__all__ = ["inputs_around", "make_inputs"]
