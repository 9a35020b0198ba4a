"""What happened: reading records, and the summary of a run. Needs neither torch nor transformers."""

from hfci.results.reading import Results, read_results
from hfci.results.summary import Summary, summarize

__all__ = ["Results", "Summary", "read_results", "summarize"]
