"""Mutants: faults put into transformers' modelling code by a rule, to see which checks turn red.

`nox -s mutants -- NAMES` tries some in each of the model types named; without names twenty are drawn.
"""
