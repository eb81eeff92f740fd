"""The proof: from what providers really got and all that the table holds, whether the engine's promises were kept.

`evidence.py` gathers both in a city on this machine; tests gather them from their own town. `checker.py` judges.
"""
