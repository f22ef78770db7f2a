"""Many machines, by Ray: the server in as many replicas as are asked for, and engines that draw lists.

===========  =======================================================================
part         what it is
===========  =======================================================================
connection   Ray, started here or found on a cluster
plan         how many replicas there are, and what each takes of its machine
replica      one of them: the application with its own model, loop and device
application  all of them as one application of Ray Serve, to import by name
deployment   that application put on this machine or on a cluster, and taken off it
painters     engines that draw a list's lines: `limner batch --ray`
===========  =======================================================================

Only this package knows Ray, and importing it does not import Ray.
"""
