"""Reward code that is translated instead of run: arithmetic on columns, and nothing else.

`program.Program` reads a syntax tree (plain data, see `sandbox.channel`) and becomes numpy operations that
this package chose, or raises `Outside`. No text of the source, no name and no object of it reaches the
interpreter. Why that is safe: docs/design/calculus.md.
"""
