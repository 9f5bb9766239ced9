"""Link: what a symbolic name of one file stands for in all of them, and where values go from file to file."""
