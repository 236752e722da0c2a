"""YAML files to documents and skeletons: knows files and lines, builds nothing.

The whole
  project        a folder -> Project, findings. Start reading here
  scan           its files from disk, once
  snapshot       its files again and again: what changed
  layout         which file is what, by its path
  assemble       each file by the rules of its kind, then against its neighbours
  loaded         what comes out: documents and skeletons
  regions        overlays laid over documents
  subject        what a test is about

One file, in this order
  bytes          bytes -> text
  yaml           text -> Document
  yamlevents     libyaml's events -> values and positions
  syntax         its syntax errors in our words
  expressions    an expression that YAML cut in two
  scalars        what a plain scalar means
  nodes          where everything stands
  document       values with their places
  inside         a character of a value -> a character of the file
  substitution   references filled in
  fixed          names nothing is filled in for
  models         the skeleton of every kind of file
  schemafile     JSON Schemas
  validate       a document against its skeleton
  errorplace     where an error of pydantic is
  modelwalk      which keys are valid at a place
  unknownkey     what is said about a key nobody knows
  checks         its name, its ids, its parameters; files it leads to

What people see
  nearest        the nearest valid name
  render         findings for people and machines
  excerpt        the lines around a place, without secrets
  fmt            one layout of a file
  fmtlines       its lines
"""
