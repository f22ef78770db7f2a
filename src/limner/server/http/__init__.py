"""Requests and answers as bytes, whatever they are about: bodies, ranges, JSON in pieces, and what stands around.

Nothing here knows a field of the API or a picture.
"""
