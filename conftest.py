"""What every test run here shares: pytest's own test bench, and how Hypothesis searches.

`CI=true`, or `HYPOTHESIS_PROFILE=ci`, makes the searches the same on every run.  No profile has a
deadline: one example may explore thousands of interleavings, and a loaded machine is no defect.
"""

from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = ["pytester"]

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))
