"""Resources of FHIR R4 (4.0.1) out of a ledger, a file a kind."""
