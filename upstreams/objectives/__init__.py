"""Objectives of pre-training: every module without a leading underscore is one."""
