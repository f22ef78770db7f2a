"""The Batch API: lists of calls, drawn when nobody else waits, each line exactly once through any restart."""
