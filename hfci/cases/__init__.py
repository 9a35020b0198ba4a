"""The contracts: case, outcome, record, manifest and ledger, and the one strict reader of each.

Everything else stands above this room; nothing here imports torch or transformers.
"""
