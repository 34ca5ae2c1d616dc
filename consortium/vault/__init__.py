"""The vault: private records in sealed boxes, given to whom the ledger says, every read written down first."""
