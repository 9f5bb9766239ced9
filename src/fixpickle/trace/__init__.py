"""A real run leads: run a program under a recorder, and keep what it says as a record."""
