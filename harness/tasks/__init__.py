"""Tasks: what is predicted from what. Every module without a leading underscore is one."""

from harness.tasks._examples import TaskExamples

__all__ = ["TaskExamples"]
