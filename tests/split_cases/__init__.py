"""Small functions that between them use every statement and expression of Python, grouped by construct.

Each is run twice, as Python runs it and as `split` rewrites it, and the two must agree in all that can
be seen.  They are odd on purpose: read them as a list of traps, not as good code.

Read next: `kit` for how a case is registered, `..split_corpus` for all of them together.
"""
