"""For tests: the contract kit of plugin authors, virtual time, and the runner of `*.test.yaml`.

contracts  the door for plugin authors: what every source, sink, call and format keeps (needs pytest)
clock      an asyncio loop and a Clock that jump instead of waiting
expect     what a test expects against what came
runner     runs the tests of a project
"""
