"""The first stage: what a source hands over becomes an event, durable before the source is told so.

sources        one task a source
turn           whose turn it is to run it
sourcehealth   well or failing, told once
context        what it reaches of the engine
arrivals       taken in and let go of, in order
intake         cap, decode, mask, identity
identity       key, guard, business date, amount of an event
ingress        publish or write down, then let go
reentry        the record of a work item read once more
dead           what the transport gave up on
"""
