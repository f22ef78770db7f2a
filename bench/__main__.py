"""`python -m bench`: every benchmark, one after the other."""

from bench import cluster, http, latency, scenes, serving, soak, upscaling

scenes.main()
latency.main()
upscaling.main()
http.main()
serving.main()
cluster.main()
soak.main()
