"""Who may come in and how often, and what the server may reach on a stranger's word: keys, limits, fetching."""
