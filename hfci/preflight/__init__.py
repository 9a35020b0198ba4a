"""Preflight: will one checkpoint run, with exactly this configuration? Asked before the expensive evaluation starts."""
