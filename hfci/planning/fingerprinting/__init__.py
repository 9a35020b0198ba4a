"""What a case depends on, as one digest (source, test, recipe, versions), and what that spares a later run."""
