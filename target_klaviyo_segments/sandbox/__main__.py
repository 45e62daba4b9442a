"""`python -m target_klaviyo_segments.sandbox`."""

from __future__ import annotations

import sys

from target_klaviyo_segments.sandbox.server import main

if __name__ == "__main__":
    sys.exit(main())
