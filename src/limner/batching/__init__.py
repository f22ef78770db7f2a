"""Many requests, one device: who waits, who is drawn together, and what each of them hears of it."""
