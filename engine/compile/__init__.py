"""A project becomes Plans and findings. Pure: no file, no clock. Start reading with `compiler`.

The whole
  compiler      a Project and the plugins -> RouteSet, findings
  plan          what comes out: frozen, with digests
  catalog       all that pieces refer to by name
  report        what is found, and its place
  checks        who publishes what, what nobody uses, circles
  digests       what things mean, as 32 hex digits
  reuse         what was compiled before: routes
  pieces        the same for smaller pieces: mappings, types, formats, test cases
  partial       only what changed
  diff          one RouteSet in place of another
  difftext      the same in words
  risks         what may hurt about it

One route
  routes        its document -> Plan
  scope         what its pieces share
  flow          what is known of the data at one point
  sources       where events come from
  replies       what a synchronous source answers
  steps         each bound, built, checked
  sharedsteps   steps of a file of their own
  slips         names made new that look like ones that are there
  sinks         where they go: an action, an event type, a table
  sinkevent     a sink that publishes
  sinktable     a sink that keeps a table
  sinkorder     whether a sink can keep order
  calls         use, connection, action, with, map
  params        parameters and their values
  measures      durations, rates, numbers
  expected      what is promised, how much is expected

Its pieces
  bind          a block -> its Config
  build         what a plugin compiles with
  walk          typed values inside a Config
  expressions   expressions where they stand
  texts         expressions and templates, once per text
  mapping       mappings
  maps          a mapping at one place of a route
  schemas       JSON Schemas

Files of the project
  connections   connections.yaml
  types         event types
  tables        tables.yaml
  tablefile     one version of a table
  testfiles     what tests name
  expectations  what they expect

Regions
  scopes        how an event finds its scope
  overlays      names in overlays that lead out of a route
  reach         what the steps of a slot reach
  issuing       where fiscal records may be made
  regions       which Plan runs for which events
"""
