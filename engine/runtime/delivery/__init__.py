"""The third stage: a lane of deliveries goes through the ledger to the outside world, each effect done once.

lanes          which lanes run
delivery       one lane's worker
hand           received, not started
order          numbers, fences, what is held
claim          claiming in the ledger
attempt        one try at a sink
owning         names that belong to one delivery
endings        how a delivery ends
settle         writing endings down
retry          what follows from a failure
desk           what lanes share
pool           opened connections
limits         how often, how many, whether at all
breaker        too many failures: one probe now and then
share          a process's part of a shared limit
"""
