"""`tillflow test`: running *.test.yaml. A case goes through the real engine, in memory, in virtual time, between
stand-ins: sinks are captured, calls are stubbed, nothing leaves the process.

  project   the project compiled once for all cases        world     one case through the engine
  chosen    which cases run, and what they are about       judge     what was expected against what happened
  givens    what a case puts in                            promises  what must hold whatever happens
  stubs, standins, taps   what stands around the engine    coverage, watching   which steps and branches were reached
  session   all chosen cases; `junit` tells a CI           changed   those that a change asks for, before it runs
"""
