"""The architecture on two pages: what the runtime asks of the outside. Backends implement it, tests check each the same.

Modules:
  transport  carries events durably between the stages: queues by address, receipts, confirms
  store      what is remembered: inbox, ledger, work items and the rest, as operations in transactions
  blobs      bodies too large for a queue, by the digest of their content
  secrets    values that are used and never shown
"""
