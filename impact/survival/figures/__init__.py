"""Figures, readable in grey and by colour-blind readers."""
