"""`python -m bench`: every benchmark, one after the other."""

from bench import latency, scenes, soak

scenes.main()
latency.main()
soak.main()
