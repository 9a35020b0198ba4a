"""Molecules: a protein's residues with the atoms of each, as a model of their structure takes them."""

from __future__ import annotations

import typing
from typing import Any

import torch

from hfci.tiny.inputs.context import Context

__all__ = ["molecule_inputs"]

_RESIDUES = 6
_ATOMS_PER_RESIDUE = 3


def molecule_inputs(context: Context) -> dict[str, Any]:
    """Return `atom_inputs` and the residues they belong to: one chain of protein, (1, residues) and (1, atoms).

    `atom_inputs` is of the class that the signature names.
    """
    count = _RESIDUES * _ATOMS_PER_RESIDUE
    places = torch.arange(_RESIDUES)[None]
    residue = places.repeat_interleave(_ATOMS_PER_RESIDUE, dim=1)
    cls = typing.get_type_hints(type(context.model).forward)["atom_inputs"]
    letters = context.integers(
        "atom_inputs.name", 1, context.find("char_vocab_size"), 1, count, context.find("max_chars")
    )
    atoms = cls(
        ref_pos=context.normal("atom_inputs.position", 1, count, 3),
        ref_charge=torch.zeros(1, count),
        atom_attention_mask=torch.ones(1, count, dtype=torch.bool),
        ref_element=context.integers("atom_inputs.element", 1, context.find("max_atomic_number"), 1, count),
        ref_atom_name_chars=letters,
        ref_space_uid=residue,
        atom_to_token=residue,
    )
    one_chain = torch.zeros(1, _RESIDUES, dtype=torch.long)
    return {
        "atom_inputs": atoms,
        "token_index": places,
        "residue_index": places,
        **dict.fromkeys(("asym_id", "sym_id", "entity_id", "mol_type"), one_chain),
        "res_type": context.integers("res_type", 0, context.find("num_res_types"), 1, _RESIDUES),
        "token_bonds": torch.zeros(1, _RESIDUES, _RESIDUES, 1),
        "attention_mask": torch.ones(1, _RESIDUES, dtype=torch.bool),
        "input_ids": context.integers("input_ids", 4, 24, 1, _RESIDUES),
    }
