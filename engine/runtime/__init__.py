"""Plans carried out: from a source to the outside world. Ports only; no file, no driver, no YAML.

Start reading with `engine`, which starts and stops everything below, then follow an event down the stages.

The stages an event goes through
  ingress        source -> event, published, confirmed, then let go
  router         event -> outcome -> deliveries, written down, then acked
  delivery       lane -> ledger -> sink -> ledger, then acked
  carrying       how events and deliveries travel between them

Beside them
  people         what is seen and decided: work items, journal, figures, the verbs of CLI and console
  reload         a changed project: staged everywhere, then run everywhere or nowhere

Started and kept running
  engine         everything of one process, in the right order
  running        routers and sources by route, switched while the others go on
  supervisor     starts a failed task again after a pause
  cell           transport, store, blobs, clock: all hangs on it
  plans          which Plan decides: current or recorded
  parent         the process above the workers
  watch          what a process executes when it dies
  revising       the project written down at a start
  demand         the queues a project needs
  tables         reference tables, polled and swapped
  duty           what one process does for all
  heartbeat      what live processes know of each other
  heirs          what a process does for another that was killed
  reachable      whether the Store can be reached
  blockage       whether the transport takes what is published
  crash          named places where tests kill a process
"""
