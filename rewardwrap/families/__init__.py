"""Which family of reward should one use: one of each kind, made for one task and compared on it.

``ground.py`` is what they are made from (somebody who plays well, demonstrations, a log), ``made.py`` makes
them, one function a family, and ``judged.py`` says what the comparison of their agents does not.
"""
