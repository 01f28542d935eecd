"""The board: all records as tables, the published numbers beside ours and never mixed with them."""

from harness.board._rows import board_table
from harness.board._write import write_board

__all__ = ["board_table", "write_board"]
