"""What the rules share, and no plugin itself.

amounts     amounts as fiscal rules write them
libraries   libraries that only some rules need
links       chains of records that quote the one before
secrets     secrets of functions and of settings
shell       the shell of a chained step: state under a lock around a pure function
"""
