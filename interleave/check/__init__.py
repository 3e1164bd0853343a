"""Properties: each module reads a trace and says what is wrong with it; none knows which explorer made it.

The protocol is `violations(trace, program)`, which yields pairs of kind and message.  A message tells two
bugs apart and not two schedules of one bug, since violations are counted by it.

Read next: `exceptions`, `outcome`, `invariant`, `deadlock`; `atomicity` names what went wrong.
"""
