"""`python -m bench`: every benchmark, one after the other."""

from bench import http, latency, scenes, serving, soak

scenes.main()
latency.main()
http.main()
serving.main()
soak.main()
