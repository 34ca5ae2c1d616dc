"""What a day is to an organisation: a file for each part of it, `PART = Part(…)`, shown to the roles that it names."""
