"""The Store: what is remembered.

A Store carries out *operations*: frozen values that say what to change and under which condition. `apply` runs one;
`apply_all` runs several as one transaction, all or nothing. The operations and the states they move between are
described, one topic a file, beside this one; a backend has one function for each.

  inbox          which outcome a route gave an event
  order          numbers per key, the fence, held deliveries
  ledger         which effect was done for which event
  steps          groups, timers and chained state of steps
  work           events waiting for a person
  journal        what happened to each event, searchable
  revisions      the project as it was loaded, with all its bytes
  figures        completeness, counted from rows
  leases         who owns what; cursors of polled sources
  audit          who changed what, hash-chained
  workers        the engine processes that work here
  tables         rows that `table:` sinks keep
  retention      forgetting what is older than `keep`
"""

from engine.ports.store.base import Op, Store

__all__ = ["Op", "Store"]
