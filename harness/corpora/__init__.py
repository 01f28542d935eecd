"""Corpora: a module here reads one corpus as its owners distribute it; these functions judge and load it."""

from harness.corpora._index import corpora_of_content
from harness.corpora._inspect import inspect_files
from harness.corpora._load import ON_FAULT, OnFault, corpus_root, load_corpus, read_names
from harness.corpora._report import CheckReport, check_corpus

__all__ = [
    "ON_FAULT",
    "CheckReport",
    "OnFault",
    "check_corpus",
    "corpora_of_content",
    "corpus_root",
    "inspect_files",
    "load_corpus",
    "read_names",
]
