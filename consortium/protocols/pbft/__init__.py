"""PBFT with signatures, after Castro & Liskov, OSDI 1999, section 4."""
