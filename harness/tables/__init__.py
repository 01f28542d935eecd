"""The papers' tables, made again: what is printed, what is ours, and what would fill the rest."""

from harness.tables._layout import read_layout, table_names
from harness.tables._write import list_tables, write_table

__all__ = ["list_tables", "read_layout", "table_names", "write_table"]
