"""Mappings: files of mappings/ that turn one document into another, compiled to closures.

collection    all of a project, by name
read          a file's `fields` -> nodes
nodes         what they say, as a tree
check         against the schema it reads and the one it gives
heads         what it takes from its surroundings
run           nodes -> closures
mapper        ready to run
"""
