"""Whole state spaces: the program as guarded commands over integers, reduced, and explored a frontier at a time.

Read next: `system` for the commands, `lower` for where they come from, `plain` for what they mean.
"""
