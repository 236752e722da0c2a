"""Mappings: files of mappings/ that turn one document into another, compiled to closures."""
