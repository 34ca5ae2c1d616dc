"""What a person is told of the ledger: the life of a record, a block in words. One file a kind, found by name."""
