"""What a card costs, from the card alone: arithmetic, memory and bytes on disk, before anything is loaded."""

from harness.costs._architecture import Architecture
from harness.costs._cost import CORE_FLOP_PER_S, USUAL_CLIP_S, Cost
from harness.costs._read import cost_of

__all__ = ["CORE_FLOP_PER_S", "USUAL_CLIP_S", "Architecture", "Cost", "cost_of"]
