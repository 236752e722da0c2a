"""The command line: one module per group of commands, imported when one of them is asked for.

Put together
  main            which module brings which command; what it ends with
  __main__        `python -m engine.cli`
  streams         standard streams that are closed, or take nothing
  output          results, errors, tables, exit codes: what every command prints with
  findings        findings in each of their forms
  project         finding and loading the project
  owner           reaching the Store: through a running engine, else beside it
  given           what is handed over: a file, or standard input
  decider         who decides, and why
  started         how this command was started, for lines that are typed again

Files
  init            init
  check           validate, fmt, schema
  rendering       render
  packs           packs list|show
  tests           test
  tryout          eval, dry-run
  explain         explain
  language        its pages about the files of a project
  dev             dev: local stand-ins while files are written
  demo            demo: a business day of several stores

Running
  run             run: the parent and its workers
  project_reader  the process that reads the project while an engine runs
  revisions       plan, apply, history, diff, rollback
  changing        waiting for a change everywhere, and telling what became of it
  topology        topology

Looking and deciding
  status          status
  standing        its revisions
  ahead           its files that are other than what runs
  doctor          doctor
  services        its services
  trace           trace
  work            work
  shown           a work item as people see it
  bulk            one decision for many items
  editing         the new body of one

Plugins
  plugins         connectors, new
  scaffold        the package that `new connector` lays down
"""
