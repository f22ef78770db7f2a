"""`python -m bench`: every benchmark, one after the other."""

from bench import cluster, http, latency, scenes, serving, soak

scenes.main()
latency.main()
http.main()
serving.main()
cluster.main()
soak.main()
