"""Other people's pipelines behind the server that is common for them, to compare with."""
