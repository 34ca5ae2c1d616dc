"""Figures for a paper: PNG and SVG, readable in black and white, each saying scenario, seed, version and machine."""
