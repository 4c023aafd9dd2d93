"""What everything stands on: errors, plug-in classes, typed TOML, random streams, whole files."""
