"""A local Klaviyo to try exports against: a second, independent reading of Klaviyo's API."""
