"""Load from outside on a consortium that stands, and what came of it: clients, processes, ledgers."""
