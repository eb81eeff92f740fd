"""The drill: a city of its own with faults switched on and its app killed in the middle of a broadcast, then the proof of what came of it."""
