"""The OpenAI wire: everything that knows HTTP."""
