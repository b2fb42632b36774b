"""The benchmark: the real service against a bare socket loop, side by side. `python -m scripts.bench --help`.

Its figures are ratios within one run, never absolute: the machine decides those.
"""
