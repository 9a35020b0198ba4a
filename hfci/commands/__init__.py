"""The commands of hfci, a module each, all of the same shape.

`HELP` and `EXAMPLE` are what `hfci NAME --help` says, `add_arguments(parser)` declares the arguments,
`run(arguments)` does it and returns the exit code. A module imports what it needs inside `run`, so that
`hfci --help` stays quick.
"""

__all__: list[str] = []
