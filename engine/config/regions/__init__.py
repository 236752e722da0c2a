"""Overlays laid over the documents of the base: nothing is compiled here, and every value keeps where it stands."""
