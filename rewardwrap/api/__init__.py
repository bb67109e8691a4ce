"""The front door from Python: one question a file, each the same as the command of that name.

A command reads its words, asks here, and prints; so both give the same objects and the same files.
"""
