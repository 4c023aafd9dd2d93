"""A verdict on a log of one's own, within a time that is named: one plan, sized to it, and what it came to."""
