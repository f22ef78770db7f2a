"""Alembic's environment: it runs `env.py`, and each file in `versions` is a step."""
