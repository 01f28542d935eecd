"""What a corpus sounds like, measured in one pass: level, silence, exact samples, and prints that find a copy."""

from harness.sketch._near import Pair, near_duplicates
from harness.sketch._pass import sketch_manifest
from harness.sketch._prints import Prints
from harness.sketch._sketches import Sketches

__all__ = ["Pair", "Prints", "Sketches", "near_duplicates", "sketch_manifest"]
