"""What outlives a request: pictures behind links that expire, and the files that clients upload."""
