"""What rewritten code may import, or have copied beside it.

`locks`, `calls` and `names` need the standard library alone, `parallel` needs joblib. Importing this package loads none
of them, so that rewritten code pays only for what it names.
"""
