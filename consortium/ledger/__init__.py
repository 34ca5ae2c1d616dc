"""Executes what consensus ordered: blocks, authenticated state, seals, proofs."""
