"""Coverage-guided fuzzing of all that reads what strangers send: `make fuzz`. Not part of CI.

Each target gives bytes to one reader, which may raise only the error that it says it raises; those
called `..._cost` make a long input of a short one and bound the CPU time and memory it takes. What
was found stays in `tests/fuzz/corpus/TARGET` (not in git), and the next run goes on from there.
"""
