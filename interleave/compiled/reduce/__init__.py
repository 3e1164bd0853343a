"""Fewer states with the same ends: each reduction a function with its side conditions checked, and a reason given.

Read next: `pipeline`, all of them one after the other; then `blocks`, `ample`, `loops` and `pools`.
"""
