"""Nodes: they translate between messages and values, call the other rooms, and report."""
