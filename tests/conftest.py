"""Its place alone puts `tests/` on the path, so that tests share helpers such as `contracts_state`."""
