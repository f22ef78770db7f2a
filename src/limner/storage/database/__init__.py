"""What several servers share, in PostgreSQL; and on one machine, the studio's history in SQLite.

tables        what there is, as SQLAlchemy's models
connection    the way to a database, and what its errors are here
migrations    Alembic's steps from one version of the tables to the next
buckets       how much each key may still have drawn
use           how much each key has had drawn
batches       batches, and who works them off
answers       the answers to their lines
"""
