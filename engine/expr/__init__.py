"""Expressions and templates: compiled once, exact with numbers, capped in what they cost.

Read
  lexer           text -> tokens, numbers exact
  parser          tokens -> jmespath's tree, with places
  tree            that tree -> nodes
  nodes           the syntax tree
  parse           all of it, or what is wrong and where
  errors          what is wrong, and at which character
  nearest         the known word that was meant
  arithmetic      signs of other languages for calculating

Compiled
  jmes            an expression: parsed, compiled, evaluated
  compiler        nodes -> closures
  paths           names, indexes, slices
  projections     one expression for every element
  selects         lists and objects made of parts
  logic           comparisons, yes and no
  calls           calls of functions
  functions       the functions
  signature       one of them, by its annotations
  types           what it is annotated with
  patterns        regular expressions in linear time

Run
  env             what can be reached besides the document
  values          kinds of values, and how an evaluation says no
  limits          caps, and the meter that keeps them
  growth          which expressions need the meter
  made            numbers that come out

Checked
  shape           what is known of values beforehand
  references      what is named outside of the document
  secrecy         whether a secret can come out

Templates
  template        compiled once, rendered with caps
  template_text   text -> Jinja's tree, with places
  template_rules  what one may be made of
  template_check  names and fields that do not exist
  template_quick  simple ones as closures
  sandbox         the Jinja environment
  filters         the filters and tests there are
  guards          what keeps one small while it renders
"""
