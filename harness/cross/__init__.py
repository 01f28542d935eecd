"""Every direction of a list of corpora: trained on one, tested on another, in one table.

Each direction is a run of the recipe `cross_corpus`, recorded under its own name (`emodb_to_urdu`), so that a
sweep goes on where it stopped and a board or a single `run` knows the same records.
"""

from harness.cross._overview import write_overview
from harness.cross._request import Pair, Request, pairs_of
from harness.cross._story import Crossing, Row, cross
from harness.cross._write import crossing_text, write_crossing

__all__ = [
    "Crossing",
    "Pair",
    "Request",
    "Row",
    "cross",
    "crossing_text",
    "pairs_of",
    "write_crossing",
    "write_overview",
]
