"""The tables that Synthea writes (CSV), in."""
