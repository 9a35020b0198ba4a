"""A backend that needs a package of which it does not say so."""

from acme_runtime_that_nobody_has import compile_model

__all__ = ["compile_model"]
