"""Does `pipeline(task)` on the checkpoint of a tiny model, with its real processors, do what its task is documented to?

A task's inputs, options and form of output stand in a table (`tasks`); the checks are the same for all of them.
"""
