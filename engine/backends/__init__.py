"""Backends: the only packages that know a driver. Each implements contracts of `engine.ports`."""
