"""`python -m target_klaviyo_segments` is the console script."""

import sys

from target_klaviyo_segments.cli import main

sys.exit(main())
