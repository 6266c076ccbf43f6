"""Networks that are given as modules or files: recorded or read, lifted to our operators, put into a graph."""
