"""`python -m interleave`: the command line, where its script is not on the path."""

import sys

from interleave.cli import main

sys.exit(main())
