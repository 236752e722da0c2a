"""What several step types share.

Modules:
  calling        asking an outside system from the middle of a route
  cache          replies asked for once, used for a while
  waiting        reaching what only a running engine has
  items          `each: {in, as}` over the items of a list
  rejecting      a rule that says no, as a work item
  paths          sets of deep paths applied to a document
"""
