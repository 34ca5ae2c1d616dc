"""The pages of the contracts, made from the code: `python -m tests.systems` (or `make docs`) writes them anew."""
