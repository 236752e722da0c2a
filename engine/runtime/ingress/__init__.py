"""The first stage: what a source hands over becomes an event, durable before the source is told so.

sources        one task a source
intake         cap, decode, mask, identity
identity       key, guard, business date, amount of an event
ingress        publish or write down, then let go
dead           what the transport gave up on
"""
