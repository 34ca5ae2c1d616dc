"""What each organisation does: hears receipts, emits submissions."""
