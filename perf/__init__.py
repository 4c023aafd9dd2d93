"""What is measured of the harness itself: its speed beside its peers, and whether its statistics keep their word."""
