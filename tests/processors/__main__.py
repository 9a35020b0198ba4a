"""`python -m tests.processors`: render docs/processors.md of what was found.

`hfci catalog --processors --json > tests/processors/pinned.json` finds it in the pinned environment; in one with
torchvision it goes into torchvision.json there.
"""

from __future__ import annotations

from .page import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
