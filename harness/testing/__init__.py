"""Conformance checks that ship with the harness."""
