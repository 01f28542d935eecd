"""A first look at a stage in the process that has it: is the rest worth the start of workers?"""

from __future__ import annotations

import time

from harness.progress import Advance

LOOK_S = 5.0
"""Before a guess is believed."""
WORTH_S = 30.0
"""Workers take seconds to start and to read what they need."""


class TooLongError(Exception):
    """Raised out of a piece of work that workers are to do: what it has done so far is given up."""


class Look:
    """Watches the progress of a stage.

    Args:
        cells: that it is to work on.
        worth_it: whether there would be more than one worker.
    """

    def __init__(self, cells: int, *, worth_it: bool) -> None:
        self._cells, self._worth_it, self._start = cells, worth_it, time.monotonic()

    def over(self, advance: Advance) -> Advance:
        """The same progress, looked at.

        Raises:
            TooLongError: from what is returned, when more is left than workers take to start.
        """

        def looking(done: float, total: float) -> None:
            self._look(done, total)
            advance(done, total)

        return looking

    def _look(self, done: float, total: float) -> None:
        passed_s, left = time.monotonic() - self._start, total - done
        spreads = self._worth_it and left * self._cells > total  # more than the cell that is being worked on
        if spreads and passed_s > LOOK_S and done > 0 and passed_s * left / done > WORTH_S:
            raise TooLongError
