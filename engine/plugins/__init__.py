"""What plugins are written against, and how the engine knows them.

Written against
  contracts    all that a plugin implements, in one place
  arriving     Source: how events enter
  reaching     Connection, Sink, Call: what reaches a system
  stepping     Step and Cut
  formatting   Format and AuthScheme
  spec         what a decorator attaches
  build        what is handed over while a Plan is built
  frame        one event on its way through steps

Its Config
  typed        how it is read
  fields       types of its fields
  fieldforms   what stands in those: keys, paths, steps, secrets
  referred     names that must exist elsewhere
  measured     times, rates, sizes
  valueforms   the forms of one value
  values       values evaluated

Running
  sequence     steps in a row
  conform      validation, in the same words everywhere

Known
  registry     every plugin by kind and name
  functions    functions of the language, with theirs
  faults       what is wrong with one before it runs
  describe     fields as rows
  schema       JSON Schema of the project's files
  reference    pages about each
  topics       pages about what no single one owns
"""
