"""Rules of countries and of trades, one folder each. Each rule is pure functions; its step is a thin shell around them.

`support` is what they share, and no plugin.
"""
