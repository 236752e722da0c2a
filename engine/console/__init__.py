"""What an engine process answers over HTTP.

worker     one process with its API
serve      listening, on a Unix socket or at an address
api        the verbs of Control
revisions  the verbs of Reload
asking     how a request is read
said       what people write freely, and its limits
probes     alive, ready, figures
metrics    what Prometheus is told
"""

PREFIX = "/api/v1"  # of every verb
