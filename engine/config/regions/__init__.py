"""Overlays laid over the documents of the base: nothing is compiled here, and every value keeps where it stands.

Before any is applied
  packs         which apply together, and from when
  checks        packs and overlays as a whole

Laying them over
  targets       what an overlay says it changes
  applying      one after the other, each on what is left
  working       a route meanwhile, and afterwards
  mappings      fields for the slots of mappings
  pieces        values from several files, each with its place

Afterwards
  explaining    where each value was written, and what it replaced
  describing    what the files say of a pack: rules, days, routes
"""
