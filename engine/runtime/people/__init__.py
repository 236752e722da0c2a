"""What people see and decide: nothing here moves an event by itself.

control        the verbs of CLI and console
status         how things stand: problems, connections, queues, what the Store knows of them
items          work items looked up and told
searching      the stories of keys and ids; the keys there are
answers        rows as plain values
work           making work items
replay         what a person decides about one
editing        what a person sees and saves of a body
maker          which revision made the request of a delivery
decided        what was decided of an item or a revision, from the audit
advice         what it takes next, and what usually helps
recovery       a replay that a crash cut in two
shown          private values hidden and put back
hiding         secrets in what systems say
journal        the story of each event
figures        completeness, gaps, missing deliveries
undecided      events lost with a queue before anything was decided
promised       `slo` and `expect_traffic` judged
counts         what metrics tell
dryrun         a route tried without effect
retention      forgetting what is older than `keep`
"""
