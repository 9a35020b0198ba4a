"""A library that builds on transformers, and its own tests, as somebody else would write both."""
