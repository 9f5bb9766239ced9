"""The built-in rule pack: one file per rule, each file ends in its rule."""
