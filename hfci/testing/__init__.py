"""Running generated tests: what they import, the pytest plugin, the manifest and the records.

Nothing here imports torch or transformers before a test that carries the `hfci` marker is collected.
"""

from hfci.testing.cases import Case, case_id
from hfci.testing.manifest import Manifest, load_manifest
from hfci.testing.outcomes import Unavailable, unavailable
from hfci.testing.records import Record

__all__ = ["Case", "Manifest", "Record", "Unavailable", "case_id", "load_manifest", "unavailable"]
