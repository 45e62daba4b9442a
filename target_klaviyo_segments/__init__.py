"""Singer target that exports segments to Klaviyo lists."""

__version__ = "0.1.0"
