"""Handing what was found to a central instance, where there is no database here."""
