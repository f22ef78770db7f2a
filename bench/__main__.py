"""`python -m bench`: every benchmark, one after the other."""

from bench import latency, scenes

scenes.main()
latency.main()
