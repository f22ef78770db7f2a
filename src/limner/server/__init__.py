"""The OpenAI wire: everything that knows HTTP.

=========  =====================================================================================
part       what it is
=========  =====================================================================================
app        `create_app`: all of this as one application
routes     what can be asked for, and what each route is handed
batches    lists of calls, drawn when nobody else waits, through restarts
drawing    a call to draw, from its body to its answer
services   what outlives a request: the model, the loop, the stores; made at start, closed at the end
contract   OpenAI's images API as data, and what makes a body a call, or the documented error
http       requests and answers that know nothing of pictures: bodies, ranges, origins, middleware
access     who may come in, how often, and what the server may reach on a stranger's word
telemetry  spans for those who trace requests from program to program
errors     the one envelope for everything that goes wrong
=========  =====================================================================================

Arrows point only down: each part may import those below it in the table, and none above.
"""
