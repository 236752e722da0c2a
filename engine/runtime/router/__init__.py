"""The second stage: an event becomes an outcome, the outcome becomes deliveries and events, all written down before the ack.

router         micro-batches of one route
deciding       which Plan, decided before, what it gives
routing        one event and what is known of it
contradiction  what differs where two records have one key
newcomers      events taken for new without asking the inbox
placing        where an event belongs
segment        one event through one segment
env            what expressions reach
context        what a waiting step reaches
effects        `call` in the middle of a route
outcomes       an Outcome as deliveries and events
committing     the hand-overs of a group
cuts           what `aggregate` and `delay` keep
continuations  what goes on after a cut
shared         what routers and intakes share
"""
