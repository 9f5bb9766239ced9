WORDS = ("hello", "world")
