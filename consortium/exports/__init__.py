"""What of a ledger leaves it in the words of others: resources of FHIR R4, tables by the names of the NHSA standard.

Each kind is one file of `exports/fhir/` or `exports/nhsa/`, found by its word. Who exports is a member, and gets what
it may ask the contracts for, record by record; persons are the pseudonyms that the ledger knows.
"""
