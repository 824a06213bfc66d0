"""Histories as released programs wrote them, one for each schema: none of these files is ever written again."""
