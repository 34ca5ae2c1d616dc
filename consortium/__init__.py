"""A laboratory for a medical-insurance consortium blockchain."""

__version__ = "0.1.0"
