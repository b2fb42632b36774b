"""Attacks on a service of their own, with an honest client beside them: what it notices, and what memory they cost.

Each module here that has an `ATTACK` is one; how they are run and measured is in `stage`.
"""
