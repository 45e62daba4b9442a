"""Klaviyo's API: what it wants and says (protocol), how fast (pacing), and the wire (client)."""
