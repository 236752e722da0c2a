"""Plans carried out: from a source to the outside world. Ports only; no file, no driver, no YAML.

Start reading with `engine`, which starts and stops everything below, then follow an event down the stages.

Started and kept running
  engine         everything of one process, in the right order
  running        routers and sources by route, switched while the others go on
  reload         a changed project: staged everywhere, then run everywhere or nowhere
  supervisor     starts a failed task again after a pause
  cell           transport, store, blobs, clock: all hangs on it
  plans          which Plan decides: current or recorded
  parent         the process above the workers
  watch          what a process executes when it dies
  revising       the project written down at a start
  memory         how garbage is collected
  demand         the queues a project needs
  tables         reference tables, polled and swapped
  duty           what one process does for all
  heartbeat      what live processes know of each other
  reachable      whether the Store can be reached
  crash          named places where tests kill a process

Ingress: source -> event, published, confirmed, then let go
  sources        one task a source
  intake         cap, decode, mask, identity
  identity       key, guard, business date, amount of an event
  ingress        publish or write down, then let go
  dead           what the transport gave up on

Router: event -> outcome -> deliveries, written down, then acked
  router         micro-batches of one route
  routing        which Plan, decided before, what it gives
  pipeline       one event through one segment
  cases          one event and what is known of it
  env            what expressions reach
  context        what a waiting step reaches
  effects        `call` in the middle of a route
  outcomes       an Outcome as deliveries and events
  committing     the hand-overs of a group
  cuts           what `aggregate` and `delay` keep
  continuations  what goes on after a cut
  shared         what routers and intakes share

Delivery: lane -> ledger -> sink -> ledger, then acked
  lanes          which lanes run
  delivery       one lane's worker
  hand           received, not started
  order          numbers, fences, what is held
  claim          claiming in the ledger
  attempt        one try at a sink
  endings        how a delivery ends
  settle         writing endings down
  retry          what follows from a failure
  desk           what lanes share
  pool           opened connections
  limits         how often, how many, whether at all
  breaker        too many failures: one probe now and then
  share          a process's part of a shared limit

Carrying
  codec          events and deliveries as headers and JSON
  handover       write there, see the receipt, let go here
  publishing     publishing with patience
  largebodies    bodies above 256 KiB as blobs

For people
  control        the verbs of CLI and console
  answers        rows as plain values
  work           making work items
  replay         what a person decides about one
  editing        what a person sees and saves of a body
  recovery       a replay that a crash cut in two
  shown          private values hidden and put back
  hiding         secrets in what systems say
  journal        the story of each event
  figures        completeness, gaps, missing deliveries
  promised       `slo` and `expect_traffic` judged
  counts         what metrics tell
  dryrun         a route tried without effect
  retention      forgetting what is older than `keep`
"""
